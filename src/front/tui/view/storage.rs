//! The storage map: claim, volume, node; the link that does not hold is named.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::object::ObjectRef;
use seaworthy::recover::map::{Chain, Link};

use super::{List, item, marked};
use crate::front::home_text::of_chain;
use crate::front::look::{Mark, columns};
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let chains = model.watch.chains(&model.filter());
    let rows: Vec<Row> = chains.iter().map(|chain| Row::of(model, chain)).collect();
    let widest = rows.iter().map(|row| columns(&row.text(model, Row::widths(&rows)))).max().unwrap_or_default();
    // Names that provisioners make are cut where they have no room.
    let has_room = widest + BEFORE <= width;
    let rows: Vec<Row> =
        rows.into_iter().map(|row| if has_room { row } else { row.short(model.look.unicode) }).collect();
    let widths = Row::widths(&rows);
    let line = |(index, (chain, row)): (usize, (&&Chain, &Row))| {
        let mark = of_chain(chain);
        let text = format!("{} {}", model.look.mark(mark, model.clock), row.text(model, widths));
        let style = if mark == Mark::Good { Style::new() } else { model.look.style(mark) };
        item(model, width, index == model.watch.link, &text, style)
    };
    let mut lines: Vec<Line<'static>> = chains.iter().zip(&rows).enumerate().map(line).collect();
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

/// Columns of cursor and mark.
const BEFORE: usize = 4;

/// Claim, size, volume and node; in the place of a link that is broken stands why.
struct Row([String; 4]);

impl Row {
    fn of(model: &Model, chain: &Chain) -> Self {
        let broken = |link: Link| {
            let why = chain.broken.as_ref().filter(|broken| broken.link == link)?;
            Some(format!("{} {}", model.look.mark(Mark::Bad, 0), why.why))
        };
        let volume = || chain.volume.clone().unwrap_or_else(|| chain.phase.clone());
        let volume = broken(Link::Volume).unwrap_or_else(volume);
        let node = broken(Link::Node).unwrap_or_else(|| chain.nodes.join(", "));
        Self([name(chain), chain.size.clone(), volume, node])
    }

    /// A volume that is the last of its line needs no column.
    fn widths(rows: &[Self]) -> [usize; 3] {
        let counts = |row: &&Self, cell: usize| cell < 2 || !row.0[3].is_empty();
        let widest = |cell: usize| rows.iter().filter(|row| counts(row, cell)).map(|row| columns(&row.0[cell])).max();
        std::array::from_fn(|cell| widest(cell).unwrap_or_default())
    }

    fn short(self, unicode: bool) -> Self {
        let [claim, size, volume, node] = self.0;
        Self([claim, size, short(&volume, unicode), node])
    }

    fn text(&self, model: &Model, widths: [usize; 3]) -> String {
        let padded = |cell: usize| {
            let pad = widths[cell].saturating_sub(columns(&self.0[cell]));
            format!("{}{:pad$}", self.0[cell], "")
        };
        let node = if self.0[3].is_empty() { String::new() } else { format!("{}{}", model.look.arrow(), self.0[3]) };
        format!("{}  {}{}{}{node}", padded(0), padded(1), model.look.arrow(), padded(2))
    }
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
    // How they are is said at home.
    say("pods", &pods, Mark::Idle);
    if chain.claim.is_some() {
        let class = if chain.class.is_empty() { "no class" } else { &chain.class };
        let mark = if matches!(chain.phase.as_str(), "Bound") { Mark::Good } else { Mark::Careful };
        say("claim", &format!("{}: {}, {}, class {class}", name(chain), chain.phase, chain.size), mark);
    }
    match (broken(Link::Volume), &chain.volume) {
        (Some(broken), _) => say("volume", &broken.why, Mark::Bad),
        (None, Some(volume)) => {
            let (mark, kept) = match chain.reclaim.as_str() {
                "Retain" => (Mark::Good, "reclaim policy Retain: deleting the claim keeps the data"),
                "Delete" => (Mark::Careful, "reclaim policy Delete: deleting the claim deletes the data"),
                _ => (Mark::Idle, "what becomes of the data when the claim is deleted is not known"),
            };
            let phase = if chain.claim.is_none() { format!(", {}", chain.phase) } else { String::new() };
            say("volume", &format!("{volume}{phase}, {kept}"), mark);
        }
        (None, None) => say("volume", "there is none yet", Mark::Idle),
    }
    match (broken(Link::Node), chain.nodes.is_empty()) {
        (Some(broken), _) => say("node", &broken.why, Mark::Bad),
        (None, false) => say("node", &chain.nodes.join(", "), Mark::Good),
        (None, true) => {}
    }
    if !chain.place.is_empty() {
        say("data", &chain.place, Mark::Idle);
    }
    lines
}
