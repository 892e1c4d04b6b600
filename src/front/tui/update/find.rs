//! To the next line that holds what is looked for.

use crate::front::tui::model::{Line, Model, Popup, Screen, find};
use crate::front::tui::view;

/// Opens the window: with the filter that there is, or, where it only leads to a line, with nothing.
pub(super) fn open(model: &mut Model) {
    let line = if model.filters() { Line::new(&model.filter()) } else { Line::new("") };
    model.popup = Some(Popup::Filter { line });
}

/// The window is closed; the same words again, or none, lead further.
pub(super) fn take(model: &mut Model, line: &Line) {
    if !line.text().trim().is_empty() {
        line.text().trim().clone_into(&mut model.sought);
    }
    let found = find::found(&view::findable(model), &model.sought);
    let here = at(model);
    let next = found.iter().find(|index| here.is_none_or(|here| **index > here)).or(found.first()).copied();
    match next {
        Some(index) => go(model, index),
        None if model.sought.is_empty() => {}
        None => model.complain(format!("nothing here holds `{}`", model.sought)),
    }
}

/// The line that the cursor is on; `None` where it is on something that cannot be looked for.
fn at(model: &Model) -> Option<usize> {
    match model.screen {
        Screen::Cluster => Some(model.clusters.cursor),
        Screen::Stack => Some(model.stacks.cursor),
        Screen::Images => Some(model.images.cursor),
        Screen::Profile => Some(model.profiles.cursor),
        Screen::Prerequisites => Some(model.groundwork.cursor),
        Screen::Review => Some(model.review.scroll),
        Screen::Losses => Some(model.recovery.cursor),
        Screen::Recovery => Some(model.recovery.scroll),
        Screen::Report => Some(model.recovery.report_scroll),
        Screen::Reach => Some(model.ways.cursor),
        Screen::Settings => model.sheet()?.setting(),
        Screen::Run => Some(model.board.as_ref()?.at()),
        _ => None,
    }
}

fn go(model: &mut Model, index: usize) {
    match model.screen {
        Screen::Cluster => (model.clusters.moved, model.clusters.cursor) = (true, index),
        Screen::Stack => model.stacks.cursor = index,
        Screen::Images => model.images.cursor = index,
        Screen::Profile => model.profiles.cursor = index,
        Screen::Prerequisites => model.groundwork.cursor = index,
        Screen::Review => {
            let most = view::text_overflow(model);
            model.review.scroll_to(index, most);
        }
        Screen::Losses => model.recovery.cursor = index,
        Screen::Recovery | Screen::Report => {
            let most = view::text_overflow(model);
            super::recovery::show_from(model, index.min(most));
        }
        Screen::Reach => model.ways.cursor = index,
        Screen::Settings => {
            if let Some(sheet) = model.sheet_mut() {
                sheet.go_to(index);
                // Few people need it, and it was out of sight.
                if sheet.setting() != Some(index) {
                    sheet.show_advanced();
                    sheet.go_to(index);
                }
            }
        }
        Screen::Run => {
            if let Some(board) = &mut model.board {
                board.cursor = Some(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;
    use seaworthy::sandbox::Kind;

    use super::*;
    use crate::front::tui::model::{Berth, Effect};
    use crate::front::tui::testing::*;

    fn find(model: &mut Model, words: &str) {
        typed(model, "/");
        typed(model, words);
        all(model, [key(KeyCode::Enter)]);
    }

    /// The same words again lead further, and around.
    #[test]
    fn a_slash_leads_to_the_next_line_that_holds_the_words() {
        let mut model = begun((80, 24));
        find(&mut model, "127.0.0.1");
        let first = model.clusters.cursor;
        find(&mut model, "127.0.0.1");
        assert_ne!(model.clusters.cursor, first, "two contexts have that server");
        find(&mut model, "");
        assert_eq!(model.clusters.cursor, first, "the same words again");
        find(&mut model, "barge");
        assert_eq!(model.clusters.cursor, first);
        assert!(model.note.as_ref().is_some_and(|note| note.bad && note.text == "nothing here holds `barge`"));
        find(&mut model, "single-node sandbox");
        assert_eq!(model.clusters.line(), Some(Berth::Sandbox(Kind::SingleNode)));
    }

    #[test]
    fn a_slash_opens_the_group_of_the_setting_that_it_finds() {
        let mut model = at_settings((80, 24));
        find(&mut model, "REPLICAS");
        let sheet = model.sheet().unwrap();
        let found = sheet.setting().map(|index| sheet.form.settings()[index].path.clone());
        assert_eq!(found.as_deref(), Some("replicas"));
        let effects = all(&mut model, [key(KeyCode::Char('y'))]);
        assert!(matches!(effects.as_slice(), [Effect::Copy(text)] if text == "--set replicas=1"), "{effects:?}");
    }

    /// What is copied can be typed in a shell; a secret is not in it.
    #[test]
    fn what_is_under_the_cursor_is_copied_as_it_would_be_typed() {
        let copied = |model: &mut Model| match all(model, [key(KeyCode::Char('y'))]).as_slice() {
            [Effect::Copy(text)] => text.clone(),
            other => panic!("{other:?}"),
        };
        let mut model = begun((80, 24));
        assert_eq!(copied(&mut model), "kubectl --context dev get nodes");
        all(&mut model, [key(KeyCode::Enter)]);
        assert_eq!(copied(&mut model), "seaworthy stacks show shop");
        let mut model = reviewed((80, 24));
        let line = copied(&mut model);
        assert!(line.starts_with("seaworthy install shop --context=dev ") && !line.contains("swordfish"), "{line}");
    }

    /// Words that are looked for are no keys: on the plan, Enter behind them must not agree to it.
    #[test]
    fn what_is_looked_for_on_the_plan_is_not_taken_for_keys() {
        let mut model = reviewed((80, 12));
        typed(&mut model, "/deployment/web o");
        let effects = all(&mut model, [key(KeyCode::Backspace), key(KeyCode::Backspace), key(KeyCode::Enter)]);
        assert!(effects.is_empty(), "{effects:?}");
        assert_eq!((model.screen, model.review.conflicts), (Screen::Review, None));
        assert!(model.review.scroll > 0 && model.note.is_none());
    }
}
