//! What has to be there before the stack: what is there, who looks after it, and what would be added.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::network::{Proof, Reach, Refusal};
use seaworthy::object::printable;
use seaworthy::prerequisites::{Health, Prerequisite, Verdict};

use super::{List, item, marked, prose};
use crate::front::look::{Look, Mark};
use crate::front::prerequisites_text::why_text;
use crate::front::tui::model::{Footing, Groundwork, Model, Preparation, pools};

/// Columns of a name.
const NAME: usize = 15;
/// Objects by which one was recognised that are named, at most.
const NAMED: usize = 3;

pub(super) fn list(model: &Model, width: usize) -> List {
    let work = &model.groundwork;
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut cursor = 0;
    for (position, line) in work.lines().into_iter().enumerate() {
        let here = position == work.cursor;
        if here {
            cursor = lines.len();
        }
        if line == Footing::Registry {
            lines.push(Line::styled("For all that is added", Look::strong()));
        }
        let (text, style) = text(model, line);
        lines.push(item(model, width, here, &text, style));
        if position == 0 {
            lines.extend(heading(model, width));
        }
    }
    List { lines, cursor }
}

/// What stands between the first line and the prerequisites.
fn heading(model: &Model, width: usize) -> Vec<Line<'static>> {
    match &model.groundwork.ground {
        Some((context, None)) => {
            marked(model, Mark::Busy, &format!("asking {context} which prerequisites it has"), width)
        }
        Some((context, Some(Err(why)))) => {
            let text = format!("which prerequisites {context} has is not known: {why}");
            let mut lines = marked(model, Mark::Bad, &text, width);
            let rest = "Nothing can be added now. r asks again; you can go on without.";
            lines.extend(prose(rest, 2, width, Style::new()));
            lines
        }
        Some((_, Some(Ok(_)))) => {
            let needed = model.groundwork.rows.iter().any(|row| row.needed.is_some());
            let profile = model.profile().unwrap_or_default();
            let text = if needed {
                format!("Profile {profile} needs")
            } else {
                format!("Profile {profile} needs none of them")
            };
            vec![Line::styled(model.look.cut(&text, width), Look::strong())]
        }
        None => Vec::new(),
    }
}

fn text(model: &Model, line: Footing) -> (String, Style) {
    let work = &model.groundwork;
    match line {
        Footing::GoOn => (format!("Go on to the settings{}", sum(work)), Look::strong()),
        Footing::One(index) => work.rows.get(index).map_or_else(Default::default, |row| row_text(model, row)),
        Footing::Pool => pool_text(model),
        Footing::Others => {
            let others = work.rows.iter().filter(|row| row.needed.is_none() && !row.chosen).count();
            (format!("{} The others ({others})", model.look.fold(work.unfolded)), Style::new())
        }
        Footing::Registry => {
            let registry = work.answers().registry;
            let registry = if registry.is_empty() { "the registries in the manifests" } else { &registry };
            (format!("  {:<NAME$} {registry}", "images from"), Style::new())
        }
        Footing::Proof => {
            let answer = if work.answers().unchecked { "no" } else { "yes" };
            (format!("  {:<NAME$} {answer}", "then tested"), Style::new())
        }
    }
}

/// What is added when one goes on.
fn sum(work: &Groundwork) -> String {
    let names: Vec<&str> =
        work.rows.iter().filter(|row| row.chosen && row.is_work()).map(|row| row.prerequisite.name()).collect();
    if names.is_empty() { String::new() } else { format!(" (first: {})", names.join(", ")) }
}

fn row_text(model: &Model, row: &Preparation) -> (String, Style) {
    let (sign, mark) = sign(model, row);
    let there = there_text(row);
    // Who has it may have a long name: it is what is cut off where there is little room.
    let text = format!("{sign} {:<NAME$} {:<18} {there}", row.prerequisite.name(), fate(row));
    (text, mark.map_or(Style::new(), |mark| model.look.style(mark)))
}

/// The box of what can be added or left out, or the mark of what is there or cannot be.
fn sign(model: &Model, row: &Preparation) -> (String, Option<Mark>) {
    let marked = |mark: Mark| format!("{:^3}", model.look.mark(mark, 0));
    let left_out = row.needed.is_some().then_some(Mark::Careful);
    match (&row.named.verdict, &row.usual.verdict) {
        (Verdict::Blocked(_), _) if row.chosen || row.needed.is_some() => (marked(Mark::Bad), Some(Mark::Bad)),
        _ if row.chosen && row.is_work() => ("[x]".to_owned(), None),
        (_, Verdict::Use { .. } | Verdict::Keep { .. }) if row.usual.standing().0 == Some(true) => {
            (marked(Mark::Good), None)
        }
        _ if row.is_work() => ("[ ]".to_owned(), left_out),
        _ => (marked(Mark::Idle), left_out),
    }
}

/// What is there, and whose.
fn there_text(row: &Preparation) -> String {
    row.usual.found.as_ref().map_or_else(
        || "not installed".to_owned(),
        |found| {
            let version = found.version.as_deref().unwrap_or("installed");
            let broken = if found.health == Health::Healthy { "" } else { ", broken" };
            format!("{version}, {}{broken}", found.manager)
        },
    )
}

/// What becomes of it.
fn fate(row: &Preparation) -> &'static str {
    match &row.named.verdict {
        Verdict::Blocked(_) if row.chosen || row.needed.is_some() => "cannot be added",
        _ if row.chosen && row.is_work() => match (&row.named.verdict, row.adopted, &row.named.found) {
            (_, true, _) => "will be taken over",
            (Verdict::Keep { .. }, ..) => "will be repaired",
            (Verdict::Upgrade { .. }, ..) => "will be upgraded",
            (_, _, Some(_)) => "will be completed",
            _ => "will be added",
        },
        _ if row.usual.standing().0 == Some(true) => "used as it is",
        _ if row.needed.is_some() => "left out",
        _ => "",
    }
}

fn pool_text(model: &Model) -> (String, Style) {
    let work = &model.groundwork;
    let (text, mark) = match &work.pool {
        Some(Ok((proof, _))) => {
            let ranges: Vec<String> = proof.addresses.iter().map(ToString::to_string).collect();
            (ranges.join(", "), None)
        }
        Some(Err(_)) => ("not known: Enter names them".to_owned(), Some(Mark::Bad)),
        None => (String::new(), None),
    };
    (format!("    {:<NAME$} {text}", "its addresses"), mark.map_or(Style::new(), |mark| model.look.style(mark)))
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let work = &model.groundwork;
    match work.line() {
        Footing::GoOn => going_on(model, width),
        Footing::One(_) => work.row().map(|row| about(model, row, width)).unwrap_or_default(),
        Footing::Pool => match &work.pool {
            Some(pool) => pool_lines(model, pool, width),
            None => Vec::new(),
        },
        Footing::Others => {
            let text = "Nothing in this profile is known to need these. Enter shows them, or folds them away.";
            prose(text, 0, width, Style::new())
        }
        Footing::Registry => {
            let text = "Enter names a registry for the images of what is added; the stack's own come from where you said before.";
            prose(text, 0, width, Style::new())
        }
        Footing::Proof => {
            let text = "What was added is used as stacks use it, in a namespace of its own that goes away again. Enter switches it.";
            prose(text, 0, width, Style::new())
        }
    }
}

fn going_on(model: &Model, width: usize) -> Vec<Line<'static>> {
    let work = &model.groundwork;
    let due: Vec<&Preparation> = work.rows.iter().filter(|row| row.chosen && row.is_work()).collect();
    let missing = work.rows.iter().filter(|row| {
        let will_be = row.chosen && row.is_work();
        row.needed.is_some() && !will_be && row.usual.standing().0 == Some(false)
    });
    let mut lines = Vec::new();
    for row in missing {
        let text = format!("{} will be missing: {}", row.prerequisite, row.usual.standing().1);
        lines.extend(marked(model, Mark::Careful, &text, width));
    }
    if work.known().is_none() {
        return lines;
    }
    let text = if due.is_empty() {
        "Nothing is added before the stack.".to_owned()
    } else {
        let names: Vec<String> =
            due.iter().map(|row| format!("{} {}", row.prerequisite, row.brought.version)).collect();
        format!(
            "Before the stack, one after the other: {}. Their plans are shown before anything is written.",
            names.join(", ")
        )
    };
    lines.extend(prose(&text, 0, width, Style::new()));
    lines
}

/// What is wrong or decided comes first: on a small screen the rest is cut off.
fn about(model: &Model, row: &Preparation, width: usize) -> Vec<Line<'static>> {
    let asked = row.chosen || matches!(row.named.verdict, Verdict::Blocked(_));
    let assessment = if asked { &row.named } else { &row.usual };
    let mark = match (&assessment.verdict, row.chosen) {
        (Verdict::Blocked(_), _) => Mark::Bad,
        (Verdict::Install { .. } | Verdict::Upgrade { .. } | Verdict::Leave { .. }, _) => Mark::Idle,
        _ => Mark::Good,
    };
    let why = match (&assessment.verdict, &model.groundwork.pool) {
        // They are typed here, and given as an option only on the command line.
        (Verdict::Blocked(blocked), Some(Err(_))) => format!("{}; name them on the line below", blocked.because),
        _ => why_text(assessment),
    };
    let mut lines = marked(model, mark, &why, width);
    lines.extend(row.needed.iter().flat_map(|why| prose(why, 0, width, Style::new())));
    if let Some(found) = &row.usual.found {
        let version = found.version.as_deref().unwrap_or("of a version that cannot be told");
        let text = format!("Installed: {version}, managed by {}", found.manager);
        lines.extend(prose(&text, 0, width, Style::new()));
        let meaning = found.manager.explained();
        lines.extend(meaning.into_iter().flat_map(|text| prose(text, 2, width, Look::faint())));
        if let Health::Unhealthy { why } = &found.health {
            lines.extend(marked(model, Mark::Bad, why, width));
        }
    }
    lines.extend(adoption(model, row, width));
    let brought = row.brought;
    let brings = format!("{} {}: {}", brought.title, brought.version, brought.description);
    lines.extend(prose(&brings, 0, width, Look::faint()));
    if let Some(found) = row.usual.found.as_ref().filter(|found| !found.objects.is_empty()) {
        let names: Vec<String> = found.objects.iter().take(NAMED).map(ToString::to_string).collect();
        lines.extend(prose(&format!("Recognised by {}", names.join(", ")), 0, width, Look::faint()));
    }
    lines
}

/// Whether it could be taken over from whoever has it.
fn adoption(model: &Model, row: &Preparation, width: usize) -> Vec<Line<'static>> {
    let Some(adoption) = &row.adoption else { return Vec::new() };
    match &adoption.verdict {
        Verdict::Blocked(blocked) => {
            let text = format!("It cannot be taken over: {}; {}", blocked.because, blocked.remedy);
            marked(model, Mark::Skipped, &text, width)
        }
        _ if row.adopted => prose("d leaves it to whoever has it.", 0, width, Style::new()),
        _ => prose("d takes it over: what is there becomes ours.", 0, width, Style::new()),
    }
}

fn pool_lines(model: &Model, pool: &Result<(Proof, Option<Reach>), Refusal>, width: usize) -> Vec<Line<'static>> {
    match pool {
        Ok((proof, reach)) => {
            let mut lines = Vec::new();
            for line in proof.lines() {
                let indent = line.len() - line.trim_start().len();
                lines.extend(prose(&line, indent, width, if indent == 0 { Look::strong() } else { Style::new() }));
            }
            let reach = reach.iter().flat_map(Reach::lines);
            lines.extend(reach.flat_map(|line| prose(&line, 2, width, Style::new())));
            let warnings = proof.warnings.iter();
            lines.extend(warnings.flat_map(|warning| marked(model, Mark::Careful, &warning.message, width)));
            lines
        }
        Err(refusal) => {
            let mut lines = marked(model, Mark::Bad, &refusal.to_string(), width);
            lines.extend(refusal.lines().iter().flat_map(|line| prose(&printable(line), 2, width, Style::new())));
            lines.extend(prose(&way_out(refusal), 2, width, Style::new()));
            lines
        }
    }
}

/// What would do instead, as it is typed here: options are for the command line.
fn way_out(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unfit { instead: Some(range), .. } => format!("{range:#} of it is free."),
        Refusal::Unfit { worked_out: true, .. } => "Left empty, a range is worked out.".to_owned(),
        Refusal::Ask { .. } | Refusal::Unfit { .. } => {
            "Name addresses of the nodes' network that nobody has and no DHCP server gives away.".to_owned()
        }
        _ => "Name a free range of the nodes' network: FIRST-LAST or a CIDR.".to_owned(),
    }
}

/// What is to be said of addresses while they are typed.
pub(super) fn typed_pool(model: &Model, typed: &str, width: usize) -> Vec<Line<'static>> {
    let given = pools(typed);
    let pool = model.groundwork.known().and_then(|ground| ground.pool(&given));
    pool.map(|pool| pool_lines(model, &pool, width)).unwrap_or_default()
}

/// The name that a window about a prerequisite has.
pub(super) const POOL: &str = "Addresses for load balancers";

/// How a person asks for another pool.
pub(super) fn pool_question() -> String {
    format!(
        "Addresses that {} may give away: FIRST-LAST or a CIDR, several with commas; empty: worked out.",
        Prerequisite::Metallb
    )
}
