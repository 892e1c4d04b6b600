//! The clusters: choosing one, making one, and the simulated ones.

use crate::front::tui::model::Turn;
use crate::front::tui::model::{Berth, Effect, Exit, Line, Model, Popup};
use crate::front::yard::Maker;

/// How a cluster could be made here; from a sandbox nobody asks.
pub(super) fn ask(model: &Model) -> Option<Effect> {
    model.wish.sandbox.is_none().then_some(Effect::Yards)
}

/// What there is to do with a line that is no cluster yet; `None`: it is one, or nothing can be done with it, which was said.
pub(super) fn take(model: &mut Model) -> Vec<Effect> {
    match model.clusters.line() {
        Some(Berth::Make(_)) => {
            if let Some(yard) = model.clusters.yard() {
                let (maker, line) = (yard.maker, Line::new(&yard.name));
                model.popup = Some(Popup::Make { maker, name: None, line });
            }
            Vec::new()
        }
        Some(Berth::Sandbox(kind)) => vec![Effect::Quit(Exit::Turn(Turn::Sandbox(kind)))],
        Some(Berth::Machine) => vec![Effect::Quit(Exit::Turn(Turn::Machine))],
        Some(Berth::Context(_) | Berth::Asking) | None => Vec::new(),
    }
}

/// What was typed about a cluster that is to be made: taken when it is right, and left in the window when not.
pub(super) fn answer(model: &mut Model, (maker, named): (Maker, Option<String>), line: Line) -> Vec<Effect> {
    let typed = line.text().trim().to_owned();
    let (name, nodes) = match &named {
        None => (typed.clone(), "1".to_owned()),
        Some(name) => (name.clone(), typed.clone()),
    };
    if let Some(why) = maker.objection(&name, &nodes) {
        model.complain(why);
        model.popup = Some(Popup::Make { maker, name: named, line });
        return Vec::new();
    }
    if named.is_none() && maker.has_nodes() {
        model.popup = Some(Popup::Make { maker, name: Some(typed), line: Line::new("1") });
        return Vec::new();
    }
    model.clusters.made = Some(maker.context(&name));
    model.aside = Some(maker.command(&name, &nodes));
    vec![Effect::Quit(Exit::Aside)]
}
