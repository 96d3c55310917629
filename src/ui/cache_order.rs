//! How the tables of models are sorted. No egui in here.

use std::cmp::Ordering;

use crate::engine::models::{CachedModel, CachedState, Pinning};

use super::texts::text;

/// What the tables are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Column {
    /// The key.
    Key,
    /// Bytes.
    Size,
    /// When it was used last.
    #[default]
    LastUsed,
    /// How often.
    Uses,
    /// What is going on with it.
    State,
}

/// How a table is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// By what.
    pub(super) column: Column,
    /// Which way.
    pub(super) direction: Direction,
}

/// Which way a table is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    /// Small ones, old ones and the letter A first.
    Ascending,
    /// Big ones and new ones first.
    #[default]
    Descending,
}

impl Order {
    /// As a column is sorted at first: words from A, everything else with the most first.
    pub(super) fn of(column: Column) -> Self {
        let direction = match column {
            Column::Key | Column::State => Direction::Ascending,
            Column::Size | Column::LastUsed | Column::Uses => Direction::Descending,
        };
        Self { column, direction }
    }

    /// The same column, the other way round.
    pub(super) fn reversed(self) -> Self {
        let direction = match self.direction {
            Direction::Ascending => Direction::Descending,
            Direction::Descending => Direction::Ascending,
        };
        Self { direction, ..self }
    }

    /// Equal ones come in the order of their keys, whichever way the table is sorted.
    pub(super) fn compare(self, a: &CachedModel, b: &CachedModel) -> Ordering {
        let ascending = match self.column {
            Column::Key => a.key.cmp(&b.key),
            Column::Size => a.n_bytes.cmp(&b.n_bytes),
            Column::LastUsed => a.last_used.cmp(&b.last_used),
            Column::Uses => a.n_uses.cmp(&b.n_uses),
            Column::State => state_text(a).cmp(&state_text(b)),
        };
        let directed = match self.direction {
            Direction::Ascending => ascending,
            Direction::Descending => ascending.reverse(),
        };
        directed.then_with(|| a.key.cmp(&b.key))
    }
}

/// What is going on with a model, in a word or two.
pub(super) fn state_text(row: &CachedModel) -> String {
    text(match (row.state, row.pinning) {
        (CachedState::Loading, _) => "cache-state-loading",
        (CachedState::InUse, Pinning::Unpinned) => "cache-state-in-use",
        (CachedState::InUse, Pinning::Pinned) => "cache-state-in-use-pinned",
        (CachedState::Idle, Pinning::Unpinned) => "cache-state-idle",
        (CachedState::Idle, Pinning::Pinned) => "cache-state-pinned",
        (CachedState::Damaged, _) => "cache-state-damaged",
        (CachedState::Outdated, _) => "cache-state-outdated",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::cache_samples::cached;

    #[test]
    fn rows_are_sorted_by_each_column_and_equal_ones_by_key() {
        let mut rows = [
            CachedModel { n_uses: 3, ..cached("b", 200) },
            CachedModel { n_uses: 3, state: CachedState::Damaged, ..cached("c", 100) },
            CachedModel { last_used: None, pinning: Pinning::Pinned, ..cached("a", 300) },
        ];
        for (column, first, reversed) in [
            (Column::Key, "a b c", "c b a"),
            (Column::Size, "a b c", "c b a"),
            (Column::LastUsed, "b c a", "a b c"),
            (Column::Uses, "b c a", "a b c"),
            (Column::State, "c b a", "a b c"),
        ] {
            let order = Order::of(column);
            for (order, expected) in [(order, first), (order.reversed(), reversed)] {
                rows.sort_by(|a, b| order.compare(a, b));
                assert_eq!(rows.each_ref().map(|row| row.key.as_str()).join(" "), expected, "{order:?}");
            }
        }
    }
}
