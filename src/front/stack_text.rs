//! What a stack asks of whoever installs it, in a line each.

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
    let cpu = Some(&needs.cpu).filter(|cpu| !cpu.is_empty()).map(|cpu| format!("{cpu} cpu"));
    let memory = Some(&needs.memory).filter(|memory| !memory.is_empty()).map(|memory| format!("{memory} memory"));
    let room: Vec<String> = [Some(nodes), cpu, memory].into_iter().flatten().collect();
    let more = match needs.prerequisites.as_slice() {
        [] => String::new(),
        names => format!("; and {}", names.join(", ")),
    };
    format!("{name} needs {}{more}", room.join(", "))
}

/// What a profile outlives, a line for each loss.
pub(crate) fn outlives(name: &str, profile: &Profile) -> Vec<String> {
    let line = |it: &seaworthy::stack::definition::Survival| {
        format!("{name}, loss of {}: {}: {}", it.loss.name(), it.holds.name(), it.what)
    };
    profile.survives.iter().map(line).collect()
}
