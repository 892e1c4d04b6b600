//! The two lines above everything: the way and where on it one is, and what all this is about.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{home, recovery, walk};
use crate::front::look::{Look, columns};
use crate::front::tui::model::{Model, SCREENS, STAGES, Screen, Stage};

/// Below this width there is no room for our name.
const NARROW: u16 = 40;
const BRAND: &str = "Seaworthy  ";
const RECOVER: &str = "Seaworthy  Recover  ";

pub(super) fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let brand = if width < NARROW { "" } else { BRAND };
    let way = if model.is_at_home() { at_home(model, brand, width) } else { way(model, brand, width) };
    vec![way, rule(model, width)]
}

fn at_home(model: &Model, brand: &'static str, width: u16) -> Line<'static> {
    let (place, of) = match model.screen {
        Screen::Storage => ("Storage", String::new()),
        Screen::Walks | Screen::Walk => ("Troubleshoot", format!("  {}", walk::about(model))),
        _ => ("Home", String::new()),
    };
    let filter = model.filter();
    let filter = if filter.is_empty() { String::new() } else { format!("  / {filter}") };
    let room = usize::from(width).saturating_sub(brand.len() + place.len());
    let about = model.look.cut(&format!("{of}  {}{filter}", home::about(model)), room);
    Line::from(vec![Span::styled(brand, Look::strong()), Span::styled(place, Look::chosen()), Span::raw(about)])
}

/// The screens of a recovery, or of the way to an installation.
fn stages(model: &Model) -> &'static [(Screen, &'static str)] {
    if model.is_in_recovery() { &STAGES } else { &SCREENS }
}

/// The steps. Where not all fits, our own name goes first, then the room between the names.
fn way(model: &Model, brand: &'static str, width: u16) -> Line<'static> {
    let look = model.look;
    let stages = stages(model);
    let brand = if model.is_in_recovery() && !brand.is_empty() { RECOVER } else { brand };
    let at = stages.iter().position(|(screen, _)| *screen == model.screen).unwrap_or_default();
    let name = |index: usize, name: &str| if index == at { format!("[{name}]") } else { name.to_owned() };
    let names: Vec<String> = stages.iter().enumerate().map(|(index, (_, text))| name(index, text)).collect();
    let letters: usize = names.iter().map(String::len).sum();
    let needed = |brand: &str, arrow: &str| brand.len() + letters + columns(arrow) * (names.len() - 1);
    let ways = [(brand, look.arrow()), ("", look.arrow()), ("", look.tight_arrow())];
    let fits = ways.into_iter().find(|(brand, arrow)| needed(brand, arrow) <= usize::from(width));
    let Some((brand, arrow)) = fits else {
        let here = format!("{}/{} {}", at + 1, stages.len(), stages[at].1);
        return Line::from(vec![Span::styled(brand, Look::strong()), Span::raw(here)]);
    };
    let mut spans = vec![Span::styled(brand, Look::strong())];
    for (index, name) in names.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::styled(arrow, Look::faint()));
        }
        let style = match index.cmp(&at) {
            std::cmp::Ordering::Less => Style::new(),
            std::cmp::Ordering::Equal => Look::chosen(),
            std::cmp::Ordering::Greater => Look::faint(),
        };
        spans.push(Span::styled(name, style));
    }
    Line::from(spans)
}

/// The rule below the way, with what was chosen on it: the question of the night is whether this is production.
fn rule(model: &Model, width: u16) -> Line<'static> {
    let look = model.look;
    let about = match () {
        () if model.is_at_home() => String::new(),
        () if model.is_in_recovery() => recovery::subject(model).join(", "),
        () => subject(model).join(", "),
    };
    if about.is_empty() {
        return Line::styled(look.rule(width), Look::faint());
    }
    let about = look.cut(&format!(" {about} "), usize::from(width).saturating_sub(2));
    let taken = u16::try_from(columns(&about) + 2).unwrap_or(u16::MAX);
    Line::from(vec![
        Span::styled(look.rule(2), Look::faint()),
        Span::styled(about, Look::strong()),
        Span::styled(look.rule(width.saturating_sub(taken)), Look::faint()),
    ])
}

/// Cluster, stack with its profile, and namespace, as far as they are chosen.
fn subject(model: &Model) -> Vec<String> {
    let chosen = |step: Screen| model.screen > step;
    let cluster = match (model.wish.sandbox, model.clusters.chosen()) {
        (Some(kind), _) => Some(format!("sandbox {kind} (simulated)")),
        (None, context) => context.map(|context| format!("cluster {context}")),
    };
    let stack = model.stack().filter(|_| chosen(Screen::Stack));
    let profile = model.profile().filter(|_| chosen(Screen::Profile));
    let stack_and_profile = stack.map(|stack| match profile {
        Some(profile) => format!("{} ({profile})", stack.name()),
        None => stack.name().to_owned(),
    });
    let namespace = stack.map(|stack| {
        let planned = model.review.made().filter(|made| made.stage == Stage::Install && chosen(Screen::Settings));
        let planned = planned.map(|made| made.plan.installation.namespace.as_str());
        planned.or(model.wish.namespace.as_deref()).unwrap_or(stack.definition().default_namespace())
    });
    let namespace = namespace.map(|namespace| format!("namespace {namespace}"));
    [cluster.filter(|_| chosen(Screen::Cluster)), stack_and_profile, namespace].into_iter().flatten().collect()
}
