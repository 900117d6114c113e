//! The `keis` command.
fn main() {}
