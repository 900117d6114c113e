//! The migrations are embedded: a changed one must be built in.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
