//! Formats that schemas of values use.
