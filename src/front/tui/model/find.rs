//! `/` where the lines are few and stand in an order that means something: the cursor goes to the next that holds the words.

use super::home::holds;
use super::{Berth, Model, Screen};

/// What can be found in each line of the screen, in their order; nothing where `/` filters or does nothing.
pub(crate) fn lines(model: &Model) -> Vec<String> {
    match model.screen {
        Screen::Cluster => model.clusters.lines().into_iter().map(|berth| of_berth(model, berth)).collect(),
        Screen::Stack => {
            let stacks = model.stacks.found.iter().flatten();
            stacks.map(|stack| format!("{} {}", stack.name(), stack.definition().title)).collect()
        }
        Screen::Settings => {
            let settings = model.sheet().map(|sheet| sheet.form.settings()).unwrap_or_default();
            let title = |title: &Option<String>| title.clone().unwrap_or_default();
            settings.iter().map(|setting| format!("{} {}", setting.path, title(&setting.title))).collect()
        }
        Screen::Run => {
            let rows = model.board.iter().flat_map(|board| &board.rows);
            rows.map(|row| format!("{} {}", row.title, row.component.as_deref().unwrap_or_default())).collect()
        }
        _ => Vec::new(),
    }
}

fn of_berth(model: &Model, berth: Berth) -> String {
    match berth {
        Berth::Context(index) => {
            let context = model.clusters.host.kubeconfig.contexts.get(index);
            context.map_or_else(String::new, |it| format!("{} {}", it.name, it.server.as_deref().unwrap_or_default()))
        }
        Berth::Make(index) => {
            let yard = model.clusters.yards.as_ref().and_then(|yards| yards.get(index));
            yard.map_or_else(String::new, |yard| format!("create {}", yard.maker.title()))
        }
        Berth::Sandbox(kind) => format!("sandbox {kind}"),
        Berth::Asking | Berth::Machine => String::new(),
    }
}

/// The numbers of those that hold all the words.
pub(crate) fn found(model: &Model, words: &str) -> Vec<usize> {
    let lines = lines(model);
    (0..lines.len()).filter(|index| !words.trim().is_empty() && holds(&lines[*index], words)).collect()
}
