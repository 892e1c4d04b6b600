//! The program in a terminal: a real pseudo-terminal, and a person who presses keys.

mod manners;
mod plain;
mod pty;
mod recovery;
mod remedies;
mod walks;
mod watching;
mod wizard;
