//! Errors that help: each says what went wrong, and knows its kind, a stable id and what to do next.
//!
//! Every module has its own `thiserror` enum; [`Explain`] is what they share, so that a front end can print the hint below
//! the message, choose the exit code, and write the same facts as JSON.

/// What an error means for the caller; the binary turns it into the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The operation failed (exit 1).
    Failed,
    /// Bad usage, bad input or a refused plan; nothing was written (exit 2).
    Input,
    /// The user said no (exit 4).
    Declined,
    /// Stopped by a signal (exit 130 or 143); it can be taken up again.
    Interrupted,
    /// The terminal on which something was asked has gone away (exit 129); it can be taken up again.
    HungUp,
}

/// An error that knows its kind, a stable id and the remedy.
pub trait Explain: std::error::Error {
    /// A stable kebab-case id for machines, such as `unknown-stack`.
    fn id(&self) -> &'static str;

    /// What the error means for the exit code.
    fn class(&self) -> Class {
        Class::Failed
    }

    /// What to do about it: one sentence, in the imperative, with the command where there is one.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Fewer letters than this are part of too many names to mean one of them.
const PART: usize = 3;

/// The candidate closest to what was typed, when it is close enough to be what was meant; else the only one of which it is
/// a part.
pub fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let similar = candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(typed.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    let mut whole = candidates.iter().filter(|whole| typed.len() >= PART && whole.to_lowercase().contains(&typed));
    similar.or_else(|| whole.next().copied().filter(|_| whole.next().is_none()))
}

/// An error with what caused it, in one line, each part once: wrappers often repeat their source.
pub fn root(error: &(dyn std::error::Error + 'static)) -> String {
    // Its own words repeat the whole Status as Rust prints it.
    if let Some(kube::Error::Api(status)) = error.downcast_ref() {
        return status.message.clone();
    }
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn closest_finds_a_slip_and_refuses_a_stranger() {
        let names = ["replicaCount", "persistence", "resources"];
        assert_eq!(closest("replicacount", names), Some("replicaCount"));
        assert_eq!(closest("resuorces", names), Some("resources"));
        assert_eq!(closest("zzz", names), None);
        assert_eq!(closest("replica", names), Some("replicaCount"));
        assert_eq!(closest("persist", names), Some("persistence"));
        assert_eq!(closest("re", names), None);
        assert_eq!(closest("pipe", ["a-pipeline-of-one", "a-pipeline-of-two"]), None, "it may be either");
    }
}
