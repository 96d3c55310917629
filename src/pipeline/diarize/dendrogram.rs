//! The tree of merges that a hierarchical clustering makes, and the clusters that come of cutting it.
//!
//! After scipy 1.17 (`linkage`, `fcluster` with `criterion="distance"`): merges, and the numbers of the clusters, are
//! in the same order.

use serde::{Deserialize, Serialize};

use super::linkage::centroid_linkage;

/// How single rows became one cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dendrogram {
    /// Rows that there were in the beginning.
    pub n_rows: usize,
    /// One fewer than rows, in the order in which they were made.
    pub merges: Vec<Merge>,
}

/// Two clusters become one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    /// The two, lower number first. Rows have the numbers from 0; the result of merge `n` has the number `n_rows + n`.
    pub clusters: [usize; 2],
    /// How far apart they are. With centroids, it may be less than in merges before.
    pub height: f64,
    /// Rows in both together.
    pub n_rows: usize,
}

impl Dendrogram {
    /// Joins the two clusters whose means are nearest, until one is left.
    ///
    /// # Shapes
    /// `rows` `[rows, dimension]`, finite.
    pub fn by_centroids(rows: &[f32], dimension: usize) -> Self {
        Self { n_rows: rows.len() / dimension, merges: centroid_linkage(rows, dimension) }
    }

    /// The cluster of each row, if no two are joined that are, or hold two that are, farther apart than `threshold`.
    pub fn within(&self, threshold: f64) -> Vec<usize> {
        let mut highest: Vec<f64> = Vec::with_capacity(self.merges.len());
        for merge in &self.merges {
            let below = merge.clusters.iter().filter_map(|cluster| cluster.checked_sub(self.n_rows));
            highest.push(below.map(|merge| highest[merge]).fold(merge.height, f64::max));
        }
        self.cut(|merge| highest[merge] <= threshold)
    }

    /// The cluster of each row after the first `n_merges` merges.
    pub fn after(&self, n_merges: usize) -> Vec<usize> {
        self.cut(|merge| merge < n_merges)
    }

    /// The cluster of each row, if those merges count whose number is `kept`; a kept one has only kept ones below it.
    /// Clusters are numbered as they are met on the way down, at every branch those of the lower number first, and
    /// single rows after what hangs on the same branch.
    fn cut(&self, kept: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut clusters = vec![0; self.n_rows];
        let mut n_clusters = 0;
        // The merge whose rows all belong to the cluster that was counted last.
        let mut whole = None;
        let mut open: Vec<(usize, usize)> =
            self.merges.len().checked_sub(1).map(|root| (root, 0)).into_iter().collect();
        while let Some((merge, n_visited)) = open.pop() {
            if n_visited == 0 && whole.is_none() && kept(merge) {
                whole = Some(merge);
                n_clusters += 1;
            }
            let parts = self.merges[merge].clusters;
            if let Some(part) = parts.get(n_visited) {
                open.push((merge, n_visited + 1));
                open.extend(part.checked_sub(self.n_rows).map(|below| (below, 0)));
                continue;
            }
            for row in parts.into_iter().filter(|part| *part < self.n_rows) {
                if whole.is_none() {
                    n_clusters += 1;
                }
                clusters[row] = n_clusters - 1;
            }
            if whole == Some(merge) {
                whole = None;
            }
        }
        clusters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows on a line.
    fn tree(rows: &[f32]) -> Dendrogram {
        Dendrogram::by_centroids(rows, 1)
    }

    #[test]
    fn merges_are_those_of_scipy() {
        let merges: Vec<([usize; 2], f64, usize)> = tree(&[0.0, 10.0, 1.0, 10.5, 4.0])
            .merges
            .iter()
            .map(|merge| (merge.clusters, merge.height, merge.n_rows))
            .collect();
        assert_eq!(merges, [([1, 3], 0.5, 2), ([0, 2], 1.0, 2), ([4, 6], 3.5, 3), ([5, 7], 10.25 - 5.0 / 3.0, 5)]);
        assert!(tree(&[7.0]).merges.is_empty());
        assert_eq!(tree(&[]).within(1.0), Vec::<usize>::new());
    }

    #[test]
    fn cuts_give_the_clusters_in_the_order_of_the_tree() {
        let tree = tree(&[0.0, 10.0, 1.0, 10.5, 4.0]);
        for (threshold, expected) in
            [(0.1, [2, 0, 3, 1, 4]), (0.5, [1, 0, 2, 0, 3]), (3.5, [1, 0, 1, 0, 1]), (9.0, [0, 0, 0, 0, 0])]
        {
            assert_eq!(tree.within(threshold), expected, "within {threshold}");
        }
        for (n_merges, expected) in [(0, [2, 0, 3, 1, 4]), (2, [1, 0, 1, 0, 2]), (4, [0, 0, 0, 0, 0])] {
            assert_eq!(tree.after(n_merges), expected, "after {n_merges}");
        }
    }

    #[test]
    fn a_merge_counts_as_high_as_the_highest_below_it() {
        // An equilateral triangle: once two corners are joined, the third is nearer to their middle.
        let tree = Dendrogram::by_centroids(&[0.0, 0.0, 1.0, 0.0, 0.5, 0.9], 2);
        assert!(tree.merges[1].height < tree.merges[0].height, "{tree:?}");
        assert_eq!(tree.within(0.95), [0, 1, 2], "{tree:?}");
    }
}
