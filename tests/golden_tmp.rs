#[path = "it/golden/mod.rs"]
mod golden;
