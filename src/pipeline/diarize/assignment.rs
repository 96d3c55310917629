//! Rows are paired with columns, each with at most one, so that the sum of the chosen values is the highest: the linear
//! sum assignment problem, by shortest augmenting paths.
//!
//! After Crouse, "On implementing 2D rectangular assignment algorithms", 2016. Columns are looked at in the same order
//! as in scipy 1.17 (`linear_sum_assignment`), so that of several best answers it is the same one.

/// The column of each row, as many of them as there are columns for.
///
/// # Shapes
/// `values` `[rows, columns]`, all of them finite; returns `[rows]`.
pub(super) fn best_pairs(values: &[f64], n_columns: usize) -> Vec<Option<usize>> {
    if n_columns == 0 {
        return Vec::new();
    }
    let n_rows = values.len() / n_columns;
    if n_rows <= n_columns {
        return best_columns(values, n_columns).into_iter().map(Some).collect();
    }
    let transposed: Vec<f64> =
        (0..n_columns).flat_map(|column| values.iter().skip(column).step_by(n_columns).copied()).collect();
    let mut pairs = vec![None; n_rows];
    for (column, row) in best_columns(&transposed, n_rows).into_iter().enumerate() {
        pairs[row] = Some(column);
    }
    pairs
}

/// The column of each row, of which there are at most as many.
///
/// Every row and column has a price; what a pair costs beyond the prices of both is never below zero, and zero for the
/// pairs that are made. One row after the other is added: by the cheapest path that leads from it over columns and the
/// rows they are paired with to a free column, along which pairs are exchanged and prices raised.
fn best_columns(values: &[f64], n_columns: usize) -> Vec<usize> {
    let n_rows = values.len() / n_columns;
    let (mut row_prices, mut column_prices) = (vec![0.0; n_rows], vec![0.0; n_columns]);
    let mut columns = vec![0; n_rows];
    let mut rows: Vec<Option<usize>> = vec![None; n_columns];
    for first in 0..n_rows {
        let mut costs = vec![f64::INFINITY; n_columns];
        let mut from_row = vec![first; n_columns];
        // From the last, so that equal values pair each row with the column of the same number.
        let mut open: Vec<usize> = (0..n_columns).rev().collect();
        let mut closed = Vec::new();
        let (mut row, mut cost) = (first, 0.0);
        let free = loop {
            let (mut lowest, mut place) = (f64::INFINITY, 0);
            for (n, column) in open.iter().copied().enumerate() {
                let through = cost - values[row * n_columns + column] - row_prices[row] - column_prices[column];
                if through < costs[column] {
                    costs[column] = through;
                    from_row[column] = row;
                }
                // Among equals, one that is free ends the search.
                if costs[column] < lowest || (costs[column] <= lowest && rows[column].is_none()) {
                    (lowest, place) = (costs[column], n);
                }
            }
            cost = lowest;
            let column = open.swap_remove(place);
            closed.push(column);
            match rows[column] {
                Some(paired) => row = paired,
                None => break column,
            }
        };
        row_prices[first] += cost;
        for column in closed {
            let raise = cost - costs[column];
            column_prices[column] -= raise;
            if let Some(row) = rows[column] {
                row_prices[row] += raise;
            }
        }
        let mut column = free;
        loop {
            let row = from_row[column];
            rows[column] = Some(row);
            let before = std::mem::replace(&mut columns[row], column);
            if row == first {
                break;
            }
            column = before;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_the_pairs_is_the_highest() {
        for (values, n_columns, expected) in [
            (vec![], 3, vec![]),
            (vec![1.0], 1, vec![Some(0)]),
            // Both want the first column; the second loses less by going elsewhere.
            (vec![9.0, 1.0, 8.0, 7.0], 2, vec![Some(0), Some(1)]),
            (vec![9.0, 8.0, 8.0, 1.0], 2, vec![Some(1), Some(0)]),
            (vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 3, vec![Some(0), Some(1)]),
            // More rows than columns: the row that gains least is left out.
            (vec![0.5, 0.4, 0.9, 0.1, 0.8, 0.9], 2, vec![None, Some(0), Some(1)]),
            (vec![-1.0, -5.0, -2.0], 1, vec![Some(0), None, None]),
        ] {
            assert_eq!(best_pairs(&values, n_columns), expected, "{values:?} in {n_columns} columns");
        }
    }
}
