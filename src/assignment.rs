//! Gives each row a column of its own so that the weights of the pairs have the greatest sum: speakers to speakers.
//!
//! The shortest augmenting paths of Crouse, "On implementing 2D rectangular assignment algorithms" (2016). Where
//! several assignments are equally good, it takes the same one as `linear_sum_assignment` of `SciPy` 1.17.

use std::cmp::Ordering;

/// The column of each row, `None` for rows that are left over because there are fewer columns. Empty where there are no
/// columns. Weights must be finite; they may be negative.
///
/// # Shapes
/// `weights`: [rows, columns].
pub fn maximise(weights: &[f64], n_columns: usize) -> Vec<Option<usize>> {
    let Some(n_rows) = weights.len().checked_div(n_columns) else { return Vec::new() };
    if n_rows <= n_columns {
        let costs: Vec<f64> = weights.iter().map(|weight| -weight).collect();
        return minimise(&costs, n_columns);
    }
    let transposed = (0..n_columns).flat_map(|column| weights.iter().skip(column).step_by(n_columns));
    let costs: Vec<f64> = transposed.map(|weight| -weight).collect();
    let mut column_of = vec![None; n_rows];
    for (column, row) in minimise(&costs, n_rows).into_iter().enumerate() {
        if let Some(row) = row {
            column_of[row] = Some(column);
        }
    }
    column_of
}

/// Rows are added one by one. A path leads from the new row to a free column, over columns that are taken and the rows
/// that hold them; each of these rows moves on by one. Prices of rows and columns keep all costs along a path
/// non-negative (`cost - price of row - price of column >= 0`, and 0 for assigned pairs), so that the cheapest path can
/// be found as Dijkstra does.
///
/// # Shapes
/// `costs`: [rows, columns], no more rows than columns.
fn minimise(costs: &[f64], n_columns: usize) -> Vec<Option<usize>> {
    let n_rows = costs.len() / n_columns;
    let (mut row_prices, mut column_prices) = (vec![0.0_f64; n_rows], vec![0.0_f64; n_columns]);
    let mut column_of: Vec<Option<usize>> = vec![None; n_rows];
    let mut row_of: Vec<Option<usize>> = vec![None; n_columns];
    for new_row in 0..n_rows {
        let mut lengths = vec![f64::INFINITY; n_columns];
        let mut reached_from = vec![new_row; n_columns];
        // From the last to the first, so that equal costs give each row the column of its own number.
        let mut unvisited: Vec<usize> = (0..n_columns).rev().collect();
        let mut visited = Vec::new();
        let (mut row, mut length) = (new_row, 0.0);
        let free_column = loop {
            let (mut nearest_at, mut nearest) = (0, f64::INFINITY);
            for (at, &column) in unvisited.iter().enumerate() {
                let over_row = length + costs[row * n_columns + column] - row_prices[row] - column_prices[column];
                if over_row < lengths[column] {
                    lengths[column] = over_row;
                    reached_from[column] = row;
                }
                let is_nearer = match lengths[column].partial_cmp(&nearest) {
                    Some(Ordering::Less) => true,
                    // Of columns that are equally near, one that is free ends the search.
                    Some(Ordering::Equal) => row_of[column].is_none(),
                    Some(Ordering::Greater) | None => false,
                };
                if is_nearer {
                    (nearest_at, nearest) = (at, lengths[column]);
                }
            }
            length = nearest;
            let column = unvisited.swap_remove(nearest_at);
            visited.push(column);
            match row_of[column] {
                None => break column,
                Some(holder) => row = holder,
            }
        };
        row_prices[new_row] += length;
        for column in visited {
            let gain = length - lengths[column];
            column_prices[column] -= gain;
            if let Some(holder) = row_of[column] {
                row_prices[holder] += gain;
            }
        }
        let mut given_up = Some(free_column);
        while let Some(column) = given_up {
            let row = reached_from[column];
            row_of[column] = Some(row);
            given_up = column_of[row].replace(column);
        }
    }
    column_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_the_weights_is_the_greatest() {
        for (weights, n_columns, expected) in [
            (vec![], 0, vec![]),
            (vec![], 3, vec![]),
            (vec![5.0], 1, vec![Some(0)]),
            // The greatest weight first would give 6 + 0.
            (vec![6.0, 5.0, 4.0, 0.0], 2, vec![Some(1), Some(0)]),
            (vec![1.0, 2.0, 3.0, 3.0, 1.0, 0.0], 3, vec![Some(2), Some(0)]),
            (vec![1.0, 3.0, 2.0, 1.0, 3.0, 0.0], 2, vec![Some(1), None, Some(0)]),
            (vec![-1.0, -5.0, -2.0, -1.0], 2, vec![Some(0), Some(1)]),
            // Ties as SciPy breaks them.
            (vec![4.0, 4.0, 4.0], 1, vec![Some(0), None, None]),
            (vec![0.0; 9], 3, vec![Some(0), Some(1), Some(2)]),
            (vec![1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0], 3, vec![Some(0), Some(1), Some(2)]),
        ] {
            assert_eq!(maximise(&weights, n_columns), expected, "{weights:?}");
        }
    }
}
