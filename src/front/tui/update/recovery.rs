//! A recovery, from what is lost to what came of it.

use std::collections::BTreeMap;

use seaworthy::event::Ended;

use crate::front::failure::Failure;
use crate::front::tui::keys::Action;
use crate::front::tui::model::{
    Board, Brake, Effect, Line, LossSpot, Message, Model, Notice, Passage, Popup, Recovery, Screen, Seen, Sight,
    Wanted, Ways, What,
};
use crate::front::tui::view;

/// From home to what is lost: it is looked at anew.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    model.screen = Screen::Losses;
    model.recovery.last = None;
    look(model)
}

/// Another cluster is looked at: answers of the one before come to nothing.
pub(super) fn forget(model: &mut Model) {
    let Recovery { look, ticket, .. } = model.recovery;
    model.recovery = Recovery { look: look + 1, ticket: ticket + 1, ..Recovery::default() };
}

fn look(model: &mut Model) -> Vec<Effect> {
    let Some(context) = model.watch.context.clone() else { return Vec::new() };
    let recovery = &mut model.recovery;
    recovery.look += 1;
    recovery.sight = Sight::Looking("asking the cluster who it is".to_owned());
    vec![Effect::Sight { ticket: recovery.look, context }]
}

/// From home to what an unfinished recovery has left to do.
pub(super) fn resume(model: &mut Model, run: String) -> Vec<Effect> {
    choose(model, What::Run(run))
}

/// Answers of those who work for it.
pub(super) fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Looking { ticket, what } => {
            if let Sight::Looking(reads) = &mut model.recovery.sight
                && ticket == model.recovery.look
            {
                *reads = what;
            }
        }
        Message::Sighted { ticket, seen } if ticket == model.recovery.look => sighted(model, seen),
        Message::Charted { ticket, passage } if ticket == model.recovery.ticket => charted(model, passage),
        Message::Held(came) => model.recovery.brake = Brake::Held(came),
        Message::Noted { text, written } => return noted(model, &text, written),
        Message::Reported(report) => model.recovery.report = Some(report),
        // An answer to what nobody waits for any more.
        _ => {}
    }
    Vec::new()
}

/// The cursor stays on what it was on, and what was known before is as old as it was.
fn sighted(model: &mut Model, seen: Result<Box<Seen>, Box<Failure>>) {
    let time = model.time;
    let recovery = &mut model.recovery;
    match seen {
        Err(failure) => recovery.sight = Sight::Failed(failure),
        Ok(seen) => {
            recovery.age = (seen.certain() > 0).then(|| recovery.age.unwrap_or((0, time)));
            let (was, spots) = (recovery.spot().map(|spot| spot.about()), seen.spots());
            let same = spots.iter().position(|spot| Some(spot.about()) == was);
            recovery.cursor = same.unwrap_or(recovery.cursor).min(spots.len().saturating_sub(1));
            (recovery.sight, recovery.last) = (Sight::Seen, Some(seen));
        }
    }
}

fn charted(model: &mut Model, passage: Result<Box<Passage>, Box<Failure>>) {
    let time = model.time;
    let recovery = &mut model.recovery;
    (recovery.scroll, recovery.seen, recovery.agreed) = (0, 0, 0);
    if let Ok(passage) = &passage
        && let Some(known_for) = passage.known_for
    {
        recovery.age = Some((known_for, time));
    }
    recovery.plan = Some(passage);
}

/// A question of the run. What is being typed for the report is kept.
pub(super) fn asked(model: &mut Model, question: String, word: Option<String>) {
    if let Some(Popup::Note { line }) = model.popup.take() {
        model.recovery.note = line;
    }
    model.recovery.put_off = None;
    model.popup = Some(match word {
        Some(word) => Popup::Word { question, word, line: Line::default() },
        None => Popup::Whether { question },
    });
}

/// A question of the run is put off, to look at what it is about, or comes back.
pub(super) fn put_off(model: &mut Model) {
    match (model.popup.take(), model.recovery.put_off.take()) {
        (Some(Popup::Whether { question }), _) => {
            model.recovery.put_off = Some(question);
            model.tell("the run waits for your answer; a asks again");
        }
        (_, Some(question)) => model.popup = Some(Popup::Whether { question }),
        _ => model.complain("the run has asked nothing"),
    }
}

/// The run is over, and nobody has asked for its end.
pub(super) fn ended(model: &mut Model) -> Vec<Effect> {
    model.recovery.put_off = None;
    let has_failed = !model.is_done();
    match (has_failed, model.recovery.told().is_some()) {
        (false, true) => model.tell("all is done; Enter shows the report"),
        (false, false) => model.tell("all is done; nothing was written, and so nothing is reported"),
        (true, true) => model.complain("it has not come to its end; Enter shows what is left, Esc plans the rest"),
        (true, false) => model.complain("it was not begun, or nothing tells what came of it; Esc plans it again"),
    }
    // A note may have come when the report was written already.
    let noted = model.recovery.noted && model.recovery.told().is_some();
    let run = model.board.as_ref().map(|board| board.run.clone()).filter(|_| noted);
    run.map(|run| vec![Effect::Report { run }]).unwrap_or_default()
}

/// Enter, or the arrow to the right.
pub(super) fn next(model: &mut Model) -> Vec<Effect> {
    match model.screen {
        Screen::Losses => choose_here(model),
        Screen::Recovery => agree(model),
        Screen::Run if model.recovery.report.is_some() => {
            model.recovery.report_scroll = 0;
            model.screen = Screen::Report;
            Vec::new()
        }
        Screen::Run => back(model),
        _ => Vec::new(),
    }
}

fn choose_here(model: &mut Model) -> Vec<Effect> {
    let wanted = match model.recovery.spot() {
        None => return Vec::new(),
        Some(LossSpot::Playbook(_, proposal)) => {
            Some(What::Playbook { name: proposal.playbook.clone(), subject: proposal.subject.clone() })
        }
        Some(LossSpot::Run(run, _)) => Some(What::Run(run.to_owned())),
        Some(LossSpot::Loss(known)) if known.proposals.is_empty() => {
            let why = if known.loss.certain {
                "no playbook fits this loss; what to do first is said beside it"
            } else {
                "only one fact says so, and nothing is proposed for it; r looks again"
            };
            model.complain(why);
            return Vec::new();
        }
        Some(LossSpot::Loss(_)) => None,
    };
    if let Some(what) = wanted {
        return choose(model, what);
    }
    // Its playbooks stand below it.
    model.recovery.cursor += 1;
    model.tell("choose a playbook; Enter shows its plan, and nothing is written yet");
    Vec::new()
}

fn choose(model: &mut Model, what: What) -> Vec<Effect> {
    let Some(context) = model.watch.context.clone() else { return Vec::new() };
    let seen = model.recovery.known().map(|seen| seen.at);
    let wanted = Wanted { context, what, settings: BTreeMap::new(), no_copy: false, replan: false, seen };
    model.recovery.wanted = Some(wanted);
    model.screen = Screen::Recovery;
    chart(model)
}

/// Asks for the plan of what was chosen.
fn chart(model: &mut Model) -> Vec<Effect> {
    let recovery = &mut model.recovery;
    let Some(wanted) = recovery.wanted.clone() else { return Vec::new() };
    recovery.ticket += 1;
    (recovery.plan, recovery.agreed) = (None, 0);
    vec![Effect::Chart { ticket: recovery.ticket, wanted: Box::new(wanted) }]
}

pub(super) fn again(model: &mut Model) -> Vec<Effect> {
    if model.screen == Screen::Losses { look(model) } else { chart(model) }
}

/// What the keys of a recovery do, but for those that every screen has.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Hold => return hold(model),
        Action::Note => {
            note(model);
            return Vec::new();
        }
        Action::Settings => {
            setting(model, 0);
            return Vec::new();
        }
        _ => {}
    }
    let copies = model.recovery.passage().is_some_and(|passage| passage.copies);
    let Some(wanted) = &mut model.recovery.wanted else { return Vec::new() };
    if matches!(wanted.what, What::Run(_)) {
        model.complain("it goes on as it was begun; a recovery of another kind begins at the losses (Esc)");
        return Vec::new();
    }
    match action {
        Action::Replan => wanted.replan = !wanted.replan,
        Action::Copies if copies => wanted.no_copy = !wanted.no_copy,
        _ => {
            model.complain("this playbook copies nothing out");
            return Vec::new();
        }
    }
    chart(model)
}

/// The brake asks nothing.
fn hold(model: &mut Model) -> Vec<Effect> {
    let objection = match &model.recovery.brake {
        Brake::Pulling(_) => Some("the brake is being pulled already"),
        _ if model.wish.read_only => Some("refused by --read-only: the brake writes the reclaim policy of volumes"),
        _ => None,
    };
    if let Some(why) = objection {
        model.complain(why);
        return Vec::new();
    }
    let Some(context) = model.watch.context.clone() else { return Vec::new() };
    let namespace = model.recovery.namespace(model.screen);
    let scope =
        namespace.as_ref().map_or_else(|| "of the whole cluster".to_owned(), |name| format!("of namespace {name}"));
    model.recovery.brake = Brake::Pulling(scope);
    // Something is written from here on.
    model.was_aside = true;
    vec![Effect::Hold { context, namespace }]
}

/// The window of a setting, where there is one of this number.
fn setting(model: &mut Model, number: usize) {
    let settings = model.recovery.passage().map(|passage| passage.settings.as_slice()).unwrap_or_default();
    match settings.get(number) {
        Some(setting) => model.popup = Some(Popup::Setting { number, line: Line::new(&setting.value) }),
        None => model.complain("there is nothing to set for this playbook"),
    }
}

fn note(model: &mut Model) {
    let run = model.board.as_ref().map(|board| board.run.as_str()).unwrap_or_default();
    if !model.is_recovering() {
        model.complain("notes are for the report of a recovery; of this run nothing is reported");
    } else if run.is_empty() {
        model.complain("there is no journal that a note could stand beside: the run has not begun, or writes nothing");
    } else {
        model.popup = Some(Popup::Note { line: std::mem::take(&mut model.recovery.note) });
    }
}

/// A window of a recovery is closed, and what was typed into it taken or not.
pub(super) fn close(model: &mut Model, take: bool) -> Vec<Effect> {
    match model.popup.take() {
        Some(Popup::Agree { line }) => answer(model, take, line),
        Some(Popup::Setting { number, line }) if take => set(model, number, line),
        // Those before it were taken.
        Some(Popup::Setting { number: 1.., .. }) => chart(model),
        Some(Popup::Setting { .. }) => {
            model.tell("nothing was set");
            Vec::new()
        }
        Some(Popup::Note { line }) => write_down(model, take, line),
        _ => Vec::new(),
    }
}

fn set(model: &mut Model, number: usize, line: Line) -> Vec<Effect> {
    let text = line.text();
    if let Err(error) = regex::Regex::new(&text) {
        let why = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        model.complain(format!("that is no regular expression: {why}"));
        model.popup = Some(Popup::Setting { number, line });
        return Vec::new();
    }
    let settings = model.recovery.passage().map(|passage| passage.settings.clone()).unwrap_or_default();
    let (Some(setting), Some(wanted)) = (settings.get(number), &mut model.recovery.wanted) else { return Vec::new() };
    if text != setting.value {
        wanted.settings.insert(setting.name.clone(), text);
    }
    if number + 1 < settings.len() {
        self::setting(model, number + 1);
        return Vec::new();
    }
    chart(model)
}

fn write_down(model: &mut Model, take: bool, line: Line) -> Vec<Effect> {
    let text = line.text().trim().to_owned();
    if !take {
        // It may have been a slip.
        model.recovery.note = line;
        if !text.is_empty() {
            model.tell("not written down; n takes it up again");
        }
        return Vec::new();
    }
    if text.is_empty() {
        model.complain("the note says nothing; write what was seen or done by hand");
        model.popup = Some(Popup::Note { line });
        return Vec::new();
    }
    let run = model.board.as_ref().map(|board| board.run.clone()).unwrap_or_default();
    vec![Effect::Note { run, text }]
}

/// Where the report is written already, it is told anew.
fn noted(model: &mut Model, text: &str, written: Result<(), String>) -> Vec<Effect> {
    if let Err(why) = written {
        model.recovery.note = Line::new(text);
        model.complain(format!("the note was not written down: {why}; n tries again"));
        return Vec::new();
    }
    model.recovery.noted = true;
    model.tell("noted beside the run, with its time");
    let Some(board) = &mut model.board else { return Vec::new() };
    board.notices.push(Notice { text: format!("note: {text}"), good: true });
    if board.ended { vec![Effect::Report { run: board.run.clone() }] } else { Vec::new() }
}

/// The plan that is on the screen is agreed to: first its end was seen, then every word typed.
fn agree(model: &mut Model) -> Vec<Effect> {
    let objection = match &model.recovery.plan {
        None => Some("the plan is not there yet".to_owned()),
        Some(Err(_)) => Some("there is no plan that could be run; r asks again".to_owned()),
        Some(Ok(_)) if model.wish.read_only => Some("refused by --read-only: the plan is only shown".to_owned()),
        Some(Ok(_)) if model.recovery.is_braking() => Some("the brake is being pulled; it takes a moment".to_owned()),
        Some(Ok(_)) => None,
    };
    if let Some(why) = objection {
        model.complain(why);
        return Vec::new();
    }
    if model.recovery.seen < view::text_overflow(model) {
        model.recovery.seen = usize::MAX;
        model.tell("the plan goes on below: End shows its end, Enter takes it as it is");
        return Vec::new();
    }
    model.recovery.agreed = 0;
    ask_next(model)
}

/// The next question, or the run where none is left.
fn ask_next(model: &mut Model) -> Vec<Effect> {
    if model.recovery.question().is_some() {
        model.popup = Some(Popup::Agree { line: Line::default() });
        return Vec::new();
    }
    run(model)
}

fn answer(model: &mut Model, take: bool, line: Line) -> Vec<Effect> {
    if !take {
        model.recovery.agreed = 0;
        model.tell("not agreed; the plan was not begun");
        return Vec::new();
    }
    let typed = line.text().trim().to_owned();
    let Some(word) = model.recovery.question().map(|question| question.word.clone()) else { return Vec::new() };
    if typed != word {
        model.complain(format!("that is not {word}; Esc leaves everything as it is"));
        model.popup = Some(Popup::Agree { line });
        return Vec::new();
    }
    model.recovery.agreed += 1;
    ask_next(model)
}

fn run(model: &mut Model) -> Vec<Effect> {
    let time = model.time;
    let known_for = model.recovery.known_for(time);
    let Some(passage) = model.recovery.passage() else { return Vec::new() };
    let mut board = Board::new([&passage.plan], time);
    board.recovery = Some(known_for);
    model.board = Some(board);
    (model.ways, model.last) = (Ways::default(), None);
    model.recovery.put_off = None;
    let recovery = &mut model.recovery;
    (recovery.report, recovery.note, recovery.noted, recovery.brake) = (None, Line::default(), false, Brake::Loose);
    model.screen = Screen::Run;
    vec![Effect::Run]
}

/// One step back.
pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    match model.screen {
        Screen::Recovery if model.recovery.known().is_some() => model.screen = Screen::Losses,
        // A run that goes on was chosen at home.
        Screen::Losses | Screen::Recovery => model.screen = Screen::Home,
        Screen::Report => model.screen = Screen::Run,
        _ => return after_run(model),
    }
    Vec::new()
}

/// From a run that is over: to what is lost now, or to what is left of it.
fn after_run(model: &mut Model) -> Vec<Effect> {
    let outcome = model.board.as_ref().and_then(|board| board.outcome.as_ref());
    let unfinished = outcome.filter(|outcome| outcome.ended != Ended::Done && !outcome.run.is_empty());
    match unfinished.map(|outcome| outcome.run.clone()) {
        Some(run) => choose(model, What::Run(run)),
        None if model.is_done() => open(model),
        // It was never begun.
        None => {
            model.screen = Screen::Recovery;
            chart(model)
        }
    }
}

/// Moves what moves on these screens.
pub(super) fn scroll(model: &mut Model, by: isize) {
    let most = view::text_overflow(model);
    let to = |from: usize| from.saturating_add_signed(by).min(most);
    let recovery = &mut model.recovery;
    match model.screen {
        Screen::Losses => {
            let length = recovery.known().map_or(0, |seen| seen.spots().len());
            recovery.cursor = recovery.cursor.saturating_add_signed(by).min(length.saturating_sub(1));
        }
        Screen::Recovery => {
            let line = to(recovery.scroll);
            show_from(model, line);
        }
        _ => recovery.report_scroll = to(recovery.report_scroll),
    }
}

/// Shows the plan or the report from this line on.
pub(super) fn show_from(model: &mut Model, line: usize) {
    let recovery = &mut model.recovery;
    if model.screen == Screen::Recovery {
        recovery.scroll = line;
        recovery.seen = recovery.seen.max(line);
    } else {
        recovery.report_scroll = line;
    }
}
