//! Rebuilds the crate when a migration file appears or goes: `sqlx::migrate!` watches only the files it saw.

fn main() {
    println!("cargo::rerun-if-changed=sql");
}
