//! The storage map: claim, volume, node; the link that does not hold is named.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::object::ObjectRef;
use seaworthy::recover::map::{Chain, Link};

use super::{List, item, marked};
use crate::front::home_text::of_chain;
use crate::front::look::Mark;
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let chains = model.watch.chains(&model.filter());
    let line = |(index, chain): (usize, &&Chain)| {
        let mark = of_chain(chain);
        let text = format!("{} {}", model.look.mark(mark, model.clock), summary(model, chain));
        let style = if mark == Mark::Good { Style::new() } else { model.look.style(mark) };
        item(model, width, index == model.watch.link, &text, style)
    };
    let mut lines: Vec<Line<'static>> = chains.iter().enumerate().map(line).collect();
    if lines.is_empty() {
        let text = match (model.watch.known(), model.filter().as_str()) {
            (None, _) => "connecting".to_owned(),
            (Some(home), _) if home.freshness.awaited > 0 => "reading".to_owned(),
            (Some(_), "") => "no claims and no volumes are here".to_owned(),
            (Some(_), filter) => format!("nothing holds `{filter}`; / changes the filter"),
        };
        lines = marked(model, Mark::Idle, &text, width);
    }
    List { lines, cursor: model.watch.link }
}

fn name(chain: &Chain) -> String {
    let place = |claim: &ObjectRef| format!("{}/{}", claim.namespace.as_deref().unwrap_or_default(), claim.name);
    chain.claim.as_ref().map_or_else(|| "(no claim)".to_owned(), place)
}

fn summary(model: &Model, chain: &Chain) -> String {
    let arrow = model.look.arrow();
    let volume =
        chain.volume.as_deref().map_or_else(|| chain.phase.clone(), |volume| short(volume, model.look.unicode));
    let nodes = if chain.nodes.is_empty() { String::new() } else { format!("{arrow}{}", chain.nodes.join(", ")) };
    let broken = chain.broken.as_ref().map_or_else(String::new, |broken| format!("  {}", broken.why));
    format!("{}  {}{arrow}{volume}{nodes}{broken}", name(chain), chain.size)
}

/// Names that provisioners make are long and tell nothing.
fn short(volume: &str, unicode: bool) -> String {
    const KEPT: usize = 12;
    match volume.char_indices().nth(KEPT) {
        Some((at, _)) if volume.starts_with("pvc-") => {
            format!("{}{}", &volume[..at], if unicode { "…" } else { ".." })
        }
        _ => volume.to_owned(),
    }
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(chain) = model.chain() else { return Vec::new() };
    let broken = |link: Link| chain.broken.as_ref().filter(|broken| broken.link == link);
    let mut lines = Vec::new();
    let mut say = |what: &str, text: &str, mark: Mark| {
        lines.extend(marked(model, mark, &format!("{what}: {text}"), width));
    };
    let pods = if chain.pods.is_empty() { "none uses it now".to_owned() } else { chain.pods.join(", ") };
    say("pods", &pods, if chain.pods.is_empty() { Mark::Idle } else { Mark::Good });
    if chain.claim.is_some() {
        let class = if chain.class.is_empty() { "no class" } else { &chain.class };
        let mark = if matches!(chain.phase.as_str(), "Bound") { Mark::Good } else { Mark::Careful };
        say("claim", &format!("{}: {}, {}, class {class}", name(chain), chain.phase, chain.size), mark);
    }
    match (broken(Link::Volume), &chain.volume) {
        (Some(broken), _) => say("volume", &broken.why, Mark::Bad),
        (None, Some(volume)) => {
            let kept = match chain.reclaim.as_str() {
                "Retain" => "its bytes stay when the claim is deleted",
                "Delete" => "its bytes go when the claim is deleted",
                _ => "what becomes of its bytes is not known",
            };
            let phase = if chain.claim.is_none() { format!("{}, ", chain.phase) } else { String::new() };
            say("volume", &format!("{volume}: {phase}{kept}"), Mark::Good);
        }
        (None, None) => say("volume", "there is none yet", Mark::Idle),
    }
    match (broken(Link::Node), chain.nodes.is_empty()) {
        (Some(broken), _) => say("node", &broken.why, Mark::Bad),
        (None, false) => say("node", &chain.nodes.join(", "), Mark::Good),
        (None, true) => {}
    }
    if !chain.place.is_empty() {
        say("bytes", &chain.place, Mark::Idle);
    }
    lines
}
