//! A screen with room for hardly anything.

use super::*;

/// Whoever moves the cursor sees the line that it is on.
#[test]
fn the_chosen_line_of_a_list_is_on_the_screen_however_small() {
    for size in [(60, 13), (60, 15), (60, 17), (80, 24)] {
        let mut model = at_home(size, Ok(home(true)));
        for _ in 0..model.watch.entries("").len() {
            let cursor = model.look.cursor(true).trim().to_owned();
            let text = drawn(&model).backend().to_string();
            assert!(text.contains(&cursor), "{size:?}, line {}: {text}", model.watch.cursor);
            update(&mut model, key(KeyCode::Down));
        }
    }
}
