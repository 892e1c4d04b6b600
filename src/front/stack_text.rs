//! What a stack asks of whoever installs it, in a line each.

use std::fmt;

use seaworthy::prepare::Need;
use seaworthy::stack::definition::Profile;
use seaworthy::stack::{Setting, Stack};

use super::paint::count;

/// What is required and has no default: nobody can go on without it.
pub(crate) fn at_hand(stack: &Stack) -> String {
    let required: Vec<Setting> = stack.settings().into_iter().filter(|setting| setting.required).collect();
    if required.is_empty() {
        return "Nothing has to be at hand: all has a default.".to_owned();
    }
    let about = |setting: &Setting| {
        let title = setting.title.clone().unwrap_or_else(|| setting.path.clone());
        if setting.secret { format!("{title} (secret)") } else { title }
    };
    let titles: Vec<String> = required.iter().map(about).collect();
    format!("Have at hand: {}", titles.join(", "))
}

/// What a profile takes of a cluster.
pub(crate) fn costs(name: &str, profile: &Profile) -> String {
    let needs = &profile.needs;
    let nodes = count(usize::try_from(needs.nodes).unwrap_or(usize::MAX), "node");
    let cpu = Some(&needs.cpu).filter(|cpu| !cpu.is_empty()).map(|cpu| format!("{cpu} CPU"));
    let memory = Some(&needs.memory).filter(|memory| !memory.is_empty()).map(|memory| format!("{memory} memory"));
    let room: Vec<String> = [Some(nodes), cpu, memory].into_iter().flatten().collect();
    let more = match needs.prerequisites.as_slice() {
        [] => String::new(),
        names => format!("; and {}", names.join(", ")),
    };
    format!("{name} needs {}{more}", room.join(", "))
}

/// How a profile fits into a cluster.
pub(crate) struct Fit {
    /// What nobody can add.
    lacks: Vec<String>,
    /// What is added before the stack.
    adds: Vec<String>,
}

impl Fit {
    /// From what the profile needs.
    pub(crate) fn of(needs: &[Need]) -> Self {
        let missing = needs.iter().filter(|need| need.met == Some(false));
        let (adds, lacks): (Vec<&Need>, Vec<&Need>) = missing.partition(|need| need.can_be_added);
        let names = |needs: Vec<&Need>| needs.into_iter().map(|need| need.what.clone()).collect();
        Self { lacks: names(lacks), adds: names(adds) }
    }

    /// Whether the cluster can carry it, once what can be added is there.
    pub(crate) fn is_enough(&self) -> bool {
        self.lacks.is_empty()
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |word: &str, names: &[String]| (!names.is_empty()).then(|| format!("{word}: {}", names.join(", ")));
        let parts: Vec<String> = said("lacks", &self.lacks).into_iter().chain(said("adds", &self.adds)).collect();
        f.write_str(if parts.is_empty() { "fits" } else { "" })?;
        f.write_str(&parts.join("; "))
    }
}

/// What a profile outlives, a line for each loss.
pub(crate) fn outlives(name: &str, profile: &Profile) -> Vec<String> {
    let line = |it: &seaworthy::stack::definition::Survival| {
        format!("{name}, loss of {}: {}: {}", it.loss.name(), it.holds.name(), it.what)
    };
    profile.survives.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_no_lack() {
        let need = |what: &str, met, can_be_added| Need {
            what: what.to_owned(),
            needed: String::new(),
            there: String::new(),
            met,
            can_be_added,
        };
        let (memory, kruise) = (need("memory", Some(false), false), need("kruise", Some(false), true));
        let there = need("nodes", Some(true), false);
        let said = |needs: &[Need]| (Fit::of(needs).to_string(), Fit::of(needs).is_enough());
        assert_eq!(said(std::slice::from_ref(&there)), ("fits".to_owned(), true));
        assert_eq!(said(&[there, kruise.clone()]), ("adds: kruise".to_owned(), true));
        assert_eq!(said(&[kruise, memory]), ("lacks: memory; adds: kruise".to_owned(), false));
    }
}
