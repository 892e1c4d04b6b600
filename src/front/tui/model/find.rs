//! `/` where the lines are few and stand in an order that means something: the cursor goes to the next that holds the words.

use super::home::holds;
use super::{Berth, Footing, Model, Screen};
use crate::front::origin::WAYS;
use crate::front::tui::view::losses_words;

/// What can be found in each line of the screen, in their order; nothing where `/` filters. The plan's lines are known to who draws them.
pub(crate) fn lines(model: &Model) -> Vec<String> {
    match model.screen {
        Screen::Cluster => model.clusters.lines().into_iter().map(|berth| of_berth(model, berth)).collect(),
        Screen::Stack => {
            let stacks = model.stacks.found.iter().flatten();
            stacks.map(|stack| format!("{} {}", stack.name(), stack.definition().title)).collect()
        }
        Screen::Images => WAYS.iter().map(|(_, title, _)| (*title).to_owned()).collect(),
        Screen::Profile => {
            let profiles = model.stack().into_iter().flat_map(|stack| &stack.definition().profiles);
            profiles.map(|(name, profile)| format!("{name} {}", profile.title)).collect()
        }
        Screen::Prerequisites => model.groundwork.lines().into_iter().map(|line| of_footing(model, line)).collect(),
        Screen::Reach => model.ways.all.iter().map(|way| format!("{} {}", way.name, way.title)).collect(),
        Screen::Settings => {
            let settings = model.sheet().map(|sheet| sheet.form.settings()).unwrap_or_default();
            let title = |title: &Option<String>| title.clone().unwrap_or_default();
            settings.iter().map(|setting| format!("{} {}", setting.path, title(&setting.title))).collect()
        }
        Screen::Losses => {
            let spots = model.recovery.known().map(super::Seen::spots).unwrap_or_default();
            spots.into_iter().map(|spot| losses_words(spot).1).collect()
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

fn of_footing(model: &Model, footing: Footing) -> String {
    match footing {
        Footing::One(index) => {
            let row = model.groundwork.rows.get(index);
            row.map_or_else(String::new, |row| row.prerequisite.to_string())
        }
        Footing::Pool => "addresses".to_owned(),
        Footing::Registry => "images from".to_owned(),
        Footing::Proof => "then tested".to_owned(),
        Footing::Others => "others".to_owned(),
        Footing::GoOn => "go on".to_owned(),
    }
}

/// The numbers of those that hold all the words.
pub(crate) fn found(lines: &[String], words: &str) -> Vec<usize> {
    (0..lines.len()).filter(|index| !words.trim().is_empty() && holds(&lines[*index], words)).collect()
}
