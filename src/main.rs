//! The program: parse, choose the front end, outcome to exit code.

fn main() {}
