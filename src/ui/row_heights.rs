//! Heights of thousands of rows of which only a screenful is ever measured: the others are estimated until they come
//! into view. What is being read stays where it is while estimates are replaced. No egui in here.

use std::ops::Range;

/// The heights of all rows of one list, in whole points, so that sums stay exact.
#[derive(Debug, Default)]
pub(super) struct RowHeights {
    heights: Vec<f32>,
    is_measured: Vec<bool>,
    /// Where each row begins, and where the last one ends.
    tops: Vec<f32>,
}

impl RowHeights {
    /// Number of rows.
    pub(super) fn n_rows(&self) -> usize {
        self.heights.len()
    }

    /// Height of all rows together.
    pub(super) fn total(&self) -> f32 {
        self.tops.last().copied().unwrap_or(0.0)
    }

    /// Where a row begins.
    pub(super) fn top(&self, row_idx: usize) -> f32 {
        self.tops.get(row_idx).copied().unwrap_or_else(|| self.total())
    }

    /// The rows of which a part lies between two positions.
    pub(super) fn between(&self, from: f32, to: f32) -> Range<usize> {
        let end = self.tops.partition_point(|&top| top < to).min(self.n_rows());
        self.row_at(from).min(end)..end
    }

    /// Changes the number of rows: new ones get estimates, those that are known keep what was measured.
    pub(super) fn resize(&mut self, n_rows: usize, estimate: impl Fn(usize) -> f32) {
        if n_rows == self.n_rows() {
            return;
        }
        let first_new = self.n_rows().min(n_rows);
        self.heights.truncate(n_rows);
        self.heights.extend((first_new..n_rows).map(|row_idx| estimate(row_idx).ceil()));
        self.is_measured.resize(n_rows, false);
        self.sum_from(first_new);
    }

    /// Forgets all measurements, because the width changed, and returns where to scroll so that the row at `offset`
    /// stays at the upper edge.
    pub(super) fn remake(&mut self, offset: f32, estimate: impl Fn(usize) -> f32) -> f32 {
        let row_idx = self.row_at(offset);
        let inside = offset - self.top(row_idx);
        let n_rows = self.n_rows();
        *self = Self::default();
        self.resize(n_rows, estimate);
        let height = self.heights.get(row_idx).copied().unwrap_or(0.0);
        self.top(row_idx) + inside.min((height - 1.0).max(0.0))
    }

    /// Measures the rows in view that are only estimated, and returns where to scroll so that what is below a row
    /// that turned out taller or shorter stays in its place.
    pub(super) fn settle(&mut self, offset: f32, view_height: f32, measure: impl Fn(usize) -> f32) -> f32 {
        let mut offset = offset;
        // Each round but the last measures at least one row, so this ends.
        loop {
            let mut changed_from = None;
            let (from, to) = (offset, offset + view_height);
            let mut top = self.top(self.row_at(from));
            for row_idx in self.row_at(from)..self.n_rows() {
                if top >= to {
                    break;
                }
                if !self.is_measured[row_idx] {
                    let height = measure(row_idx).ceil();
                    // Only a row that sticks out above the view can grow upwards, out of sight.
                    if top < from {
                        offset += height - self.heights[row_idx];
                    }
                    self.heights[row_idx] = height;
                    self.is_measured[row_idx] = true;
                    changed_from.get_or_insert(row_idx);
                }
                top += self.heights[row_idx];
            }
            match changed_from {
                Some(row_idx) => self.sum_from(row_idx),
                None => return offset.max(0.0),
            }
        }
    }

    /// Measures the rows that come into view when one scrolls up by `height`, and returns where what is at `offset`
    /// has moved to by that.
    pub(super) fn settle_above(&mut self, offset: f32, height: f32, measure: impl Fn(usize) -> f32) -> f32 {
        let mut offset = offset;
        let mut row_idx = self.row_at(offset);
        let mut covered = offset - self.top(row_idx);
        while row_idx > 0 && covered < height {
            row_idx -= 1;
            if !self.is_measured[row_idx] {
                let measured = measure(row_idx).ceil();
                offset += measured - self.heights[row_idx];
                self.heights[row_idx] = measured;
                self.is_measured[row_idx] = true;
            }
            covered += self.heights[row_idx];
        }
        self.sum_from(row_idx);
        offset
    }

    /// Corrects the height of a row that was measured before.
    pub(super) fn correct(&mut self, row_idx: usize, height: f32) {
        self.heights[row_idx] = height.ceil();
        self.is_measured[row_idx] = true;
        self.sum_from(row_idx);
    }

    /// The height of a row, measured or estimated.
    pub(super) fn height(&self, row_idx: usize) -> f32 {
        self.heights[row_idx]
    }

    /// The row that covers a position; the last one for positions behind the end.
    fn row_at(&self, position: f32) -> usize {
        self.tops.partition_point(|&top| top <= position).saturating_sub(1).min(self.n_rows().saturating_sub(1))
    }

    fn sum_from(&mut self, first_changed: usize) {
        let mut top = self.top(first_changed);
        self.tops.truncate(first_changed);
        for height in &self.heights[first_changed..] {
            self.tops.push(top);
            top += height;
        }
        self.tops.push(top);
    }
}

#[cfg(test)]
// Whole points are exact.
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    /// Ten rows, estimated at 20 points each.
    fn estimated() -> RowHeights {
        let mut rows = RowHeights::default();
        rows.resize(10, |_| 20.0);
        rows
    }

    #[test]
    fn only_rows_in_view_are_measured() {
        let mut rows = estimated();
        assert_eq!(rows.settle(0.0, 50.0, |_| 30.0), 0.0);
        let heights: Vec<f32> = (0..rows.n_rows()).map(|idx| rows.height(idx)).collect();
        assert_eq!(heights, [30.0, 30.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0]);
        assert_eq!(rows.total(), 220.0);
    }

    #[test]
    fn a_row_that_sticks_out_above_grows_out_of_sight() {
        // (where the view begins, the real height of every row, where the view shall begin)
        for (offset, height, expected) in [
            (0.0, 30.0, 0.0),
            // At a row's edge nothing is hidden: the row grows downwards.
            (40.0, 30.0, 40.0),
            (45.0, 30.0, 55.0),
            // Row 2 loses 10 points above the view, and row 1, which comes into view with that, 10 more.
            (45.0, 10.0, 25.0),
        ] {
            let mut rows = estimated();
            assert_eq!(rows.settle(offset, 50.0, |_| height), expected, "from {offset} with rows of {height}");
        }
    }

    #[test]
    fn a_page_up_starts_where_the_page_before_ended() {
        // (where the view begins, how far up, the real height of every row, where the old view begins afterwards)
        for (offset, height, real, expected) in
            [(0.0, 50.0, 30.0, 0.0), (100.0, 50.0, 30.0, 120.0), (100.0, 50.0, 10.0, 50.0), (190.0, 5.0, 30.0, 190.0)]
        {
            let mut rows = estimated();
            assert_eq!(rows.settle_above(offset, height, |_| real), expected, "{height} up from {offset}");
        }
        assert_eq!(RowHeights::default().settle_above(0.0, 50.0, |_| 30.0), 0.0);
    }

    #[test]
    fn what_is_read_stays_when_rows_are_added() {
        let mut rows = estimated();
        let offset = rows.settle(45.0, 50.0, |_| 33.0);
        let (first, top) = (rows.between(offset, offset + 50.0).start, rows.top(2) - offset);
        rows.resize(500, |_| 20.0);
        assert_eq!(rows.settle(offset, 50.0, |_| 33.0), offset);
        assert_eq!((rows.between(offset, offset + 50.0).start, rows.top(2) - offset), (first, top));
    }

    #[test]
    fn the_first_visible_row_stays_first_when_the_width_changes() {
        let mut rows = estimated();
        let mut offset = rows.settle(65.0, 50.0, |_| 20.0);
        let first = rows.between(offset, offset + 50.0).start;
        for estimate in [60.0, 3.0, 25.0] {
            offset = rows.remake(offset, |_| estimate);
            assert_eq!(rows.between(offset, offset + 1.0).start, first, "rows of {estimate}");
        }
    }

    #[test]
    fn positions_are_found_in_any_list() {
        for (n_rows, from, to, expected) in [
            (0, 0.0, 100.0, 0..0),
            (10, 0.0, 20.0, 0..1),
            (10, 0.0, 20.5, 0..2),
            (10, 19.0, 41.0, 0..3),
            (10, 20.0, 21.0, 1..2),
            (10, 190.0, 900.0, 9..10),
            (10, 900.0, 950.0, 9..10),
        ] {
            let mut rows = RowHeights::default();
            rows.resize(n_rows, |_| 20.0);
            assert_eq!(rows.between(from, to), expected, "{from} to {to} of {n_rows}");
            assert_eq!(rows.settle(0.0, 50.0, |_| 20.0), 0.0);
        }
    }

    #[test]
    fn fewer_rows_and_corrections_keep_the_sums() {
        let mut rows = estimated();
        rows.correct(1, 25.2);
        assert_eq!((rows.top(2), rows.total()), (46.0, 206.0));
        rows.resize(2, |_| 20.0);
        assert_eq!(rows.total(), 46.0);
        rows.resize(3, |_| 20.0);
        assert_eq!((rows.top(2), rows.total()), (46.0, 66.0));
    }
}
