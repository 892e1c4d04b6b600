//! Rebuilds when a stack's folder gains or loses a file: `include_dir!` alone sees edits, but not new files.

fn main() {
    println!("cargo::rerun-if-changed=profiles");
}
