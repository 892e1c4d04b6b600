mod recovery;
mod small;
mod walk;

use crossterm::event::KeyCode;
use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use seaworthy::doctor::evidence::{Evidence, Freshness};
use seaworthy::home::{Beside, Home};

use super::view;
use crate::front::failure::Failure;
use crate::front::look::Look;
use crate::front::tui::model::{Footing, Made, Message, Model, Screen, Stage, Wish};
use crate::front::tui::testing::*;
use crate::front::tui::update::update;

type Size = (u16, u16);
const SIZES: [Size; 4] = [(80, 24), (60, 20), (120, 40), (200, 60)];

fn enter(times: usize) -> Vec<Message> {
    (0..times).map(|_| key(KeyCode::Enter)).collect()
}

fn after(mut model: Model, messages: impl IntoIterator<Item = Message>) -> Model {
    all(&mut model, messages);
    model
}

/// While a password is typed.
fn at_password(size: Size) -> Model {
    let mut model = after(begun(size), enter(2).into_iter().chain([key(KeyCode::Down)]).chain(enter(1)));
    for text in ["registry.example.org:5000", "robot"] {
        typed(&mut model, text);
        all(&mut model, enter(1));
    }
    typed(&mut model, "opensesame");
    model
}

/// In the sandbox, which answers as any cluster does.
fn in_sandbox(size: Size) -> Model {
    let look = Look { colour: true, unicode: true };
    let wish = Wish { sandbox: Some(seaworthy::sandbox::Kind::SingleNode), ..Wish::default() };
    after(Model::new(look, size, wish), [kubeconfig(), reached(), Message::Looked])
}

/// On the addresses for load balancers.
fn at_pool(size: Size) -> Model {
    let mut model = after(at_prerequisites(size), [grounded(true)]);
    let lines = model.groundwork.lines();
    model.groundwork.cursor = lines.iter().position(|line| *line == Footing::Pool).unwrap();
    model
}

/// While they are typed.
fn in_pool(size: Size, text: &str) -> Model {
    let mut model = after(at_pool(size), enter(1));
    typed(&mut model, text);
    model
}

/// The plan of what comes before the stack.
fn before_the_stack(size: Size) -> Model {
    let model = after(reviewed(size), [key(KeyCode::Char('r'))]);
    let time = "time unknown: no earlier run like this one on this machine".to_owned();
    let made = Made { stage: Stage::Prerequisites, more: vec![plan()], time, ..*made() };
    after(model, [Message::Planned { ticket: 2, made: Ok(Box::new(made)) }])
}

/// The same with `--dry-run`: the stack's own plan stands below, or why it cannot.
fn shown(size: Size, then: Result<Box<Made>, String>) -> Model {
    let mut model = after(reviewed(size), [key(KeyCode::Char('r'))]);
    model.wish.dry_run = true;
    let proof =
        "then kruise is proved to work: namespace smoke with CloneSet/smoke-kruise is made, used, and taken away again";
    let made = Made { stage: Stage::Prerequisites, proofs: vec![proof.to_owned()], then: Some(then), ..*made() };
    after(model, [Message::Planned { ticket: 2, made: Ok(Box::new(made)) }, key(KeyCode::End)])
}

/// A sandbox of an earlier visit.
fn used() -> Message {
    Message::Sandbox { kind: seaworthy::sandbox::Kind::Ha, used: Ok(Some(2)) }
}

/// A run in a sandbox, whose clock is another than the one on the wall.
fn simulated(size: Size) -> Model {
    let mut model = after(reviewed(size), agreed().into_iter().chain(stalls()));
    model.wish.sandbox = Some(seaworthy::sandbox::Kind::SingleNode);
    after(model, [Message::Tick { clock: 1000, time: 65_000 }])
}

/// What a check has proved, and what it has not.
fn proved() -> Vec<Message> {
    let said = |line: &str, good| Message::Said { line: line.to_owned(), good };
    vec![
        said("kruise works: a CloneSet was completed by its webhook", true),
        said("metallb does not work: no address", false),
    ]
}

/// A plan with images.
fn with_images(size: Size) -> Model {
    let model = after(reviewed(size), [key(KeyCode::Char('r'))]);
    after(model, [Message::Planned { ticket: 2, made: Ok(made_with_images()) }])
}

/// The API server is gone.
fn ungrounded() -> Message {
    let why = "the API server at https://127.0.0.1:6443 does not answer".to_owned();
    Message::Grounded { context: "dev".to_owned(), ground: Err(why) }
}

/// Home before anything is known.
fn at_home_first(size: Size) -> Model {
    let mut model = begun(size);
    model.wish.home = true;
    after(model, enter(1))
}

/// Some kinds have come.
fn reading() -> Home {
    let evidence = Evidence::default();
    Home::of(&evidence, &Freshness { awaited: 21, broken: None }, &Beside::default())
}

/// The cluster was pulled away.
fn silent() -> Home {
    let known = home(true);
    let since = known.taken - SignedDuration::from_secs(42);
    let why = "error trying to connect: Connection refused (os error 111)".to_owned();
    Home { freshness: Freshness { awaited: 0, broken: Some((since, why)) }, ..known }
}

/// A cluster in which nothing is.
fn bare() -> Home {
    Home::of(&Evidence::default(), &Freshness { awaited: 0, broken: None }, &Beside::default())
}

/// Images are on their way, and time has passed.
fn pulling_now(size: Size) -> Model {
    let began = agreed().into_iter().chain([tick(2000)]);
    after(reviewed(size), began.chain(pulling()).chain([tick(7500)]))
}

fn a_notice() -> Message {
    let text = "the API server does not answer (Connection refused); trying again\u{1b}[2J".to_owned();
    event(seaworthy::event::Event::Notice { text })
}

fn logs(said: Vec<seaworthy::logs::Said>) -> Message {
    Message::Logs { ticket: 1, said }
}

fn over(why: &str) -> Message {
    Message::LogsOver { ticket: 1, why: why.to_owned() }
}

/// Why a run does not begin.
fn locked() -> Failure {
    let message = "harbour/shop is held by process 4711 of this machine, since 2 min";
    Failure::new("locked", seaworthy::error::Class::Failed, message, Some("wait for it, or end it".to_owned()))
}

/// Every screen in the states that matter: nothing yet, wrong, long, full.
fn screens(size: Size) -> Vec<(&'static str, Model)> {
    let wrong = after(at_settings(size), enter(1));
    let mut long = after(at_settings(size), enter(1));
    typed(&mut long, &"very long ".repeat(30));
    let letter = |letter| key(KeyCode::Char(letter));
    let refused = Failure::input(
        "unfinished-run",
        "run 20260102-030405 is not finished, and wants something else:\nprofile: ha, was single-node",
        "finish it with `seaworthy runs resume 20260102-030405`",
    );
    let reach = || after(running(size), web_is_done().into_iter().chain(done()).chain(enter(1)));
    let way = vec![
        ("stack", after(begun(size), enter(1))),
        ("images", after(begun(size), enter(2).into_iter().chain([key(KeyCode::Down)]))),
        ("images-password", at_password(size)),
        (
            "images-password-kept",
            after(at_password(size), enter(1).into_iter().chain([key(KeyCode::Esc)]).chain(enter(3))),
        ),
        ("images-unpublished", at_unpublished(size)),
        ("profile-asking", after(begun(size), enter(3))),
        ("profile", after(begun(size), enter(3).into_iter().chain([surveyed("dev"), key(KeyCode::Up)]))),
        ("profile-refused", after(at_sharing(size), [surveyed_for_sharing(Shared::Nobody), key(KeyCode::Enter)])),
        ("profile-sharing", after(at_sharing(size), [surveyed_for_sharing(Shared::Class)])),
        ("profile-sharing-offered", after(at_sharing(size), [surveyed_for_sharing(Shared::Offer)])),
        ("profile-adds", after(at_sharing(size), [surveyed_bare(), key(KeyCode::Down)])),
        ("settings", at_settings(size)),
        ("settings-typing", wrong),
        ("settings-long", long),
        ("settings-save", after(at_settings(size), [letter('s')])),
        ("review", reviewed(size)),
        ("review-images", after(with_images(size), [letter('i')])),
        ("review-images-folded", with_images(size)),
        ("review-prerequisites", before_the_stack(size)),
        ("review-shown", shown(size, Ok(made()))),
        ("review-not-yet", shown(size, Err("no matches for kind CloneSet".to_owned()))),
        ("review-making", after(reviewed(size), [letter('r')])),
        (
            "review-refused",
            after(reviewed(size), [letter('r'), Message::Planned { ticket: 2, made: Err(Box::new(refused)) }]),
        ),
        ("review-conflicts", after(planned_anew(size, made_with_conflicts(false)), [key(KeyCode::End)])),
        ("review-would-be-refused", planned_anew(size, made_with_conflicts(true))),
        ("reach-opening", reach()),
        ("reach-failed", after(reach(), [Message::Opened(Err("Service/sea/shop-web has no ready pod".to_owned()))])),
        ("reach-nothing", nowhere_to_go(size)),
        ("reach", after(reach(), [Message::Opened(Ok("http://127.0.0.1:8080".to_owned()))])),
        ("help", after(begun(size), enter(3).into_iter().chain([letter('?')]))),
    ];
    way.into_iter()
        .chain(windows(size))
        .chain(clusters(size))
        .chain(prerequisites(size))
        .chain(at_homes(size))
        .chain(walk::at_walks(size))
        .chain(recovery::at_recoveries(size))
        .collect()
}

/// What lies over a screen, and lists as they are when there is more in them.
fn windows(size: Size) -> Vec<(&'static str, Model)> {
    let letter = |letter| key(KeyCode::Char(letter));
    let question = "shop in sea is held by process 4711 of harbour, which has not renewed its lease for 61 s.";
    let asked = Message::Asked { question: question.to_owned(), word: Some("sea.shop".to_owned()) };
    let at_registry = |line: &Footing| *line == Footing::Registry;
    let mut registry = after(at_prerequisites(size), [grounded(true)]);
    registry.groundwork.cursor = registry.groundwork.lines().iter().position(at_registry).unwrap();
    let mut stacks = begun(size);
    let (found, _) = seaworthy::stack::Catalogue::default().stacks();
    let found = found.into_iter().map(std::sync::Arc::new).collect();
    let broken = vec!["mine/stack.yaml:3:1: compnents: unknown key, did you mean `components`?".to_owned()];
    all(&mut stacks, [Message::Stacks { found, broken }, key(KeyCode::Enter)]);
    vec![
        ("run-asked", after(running(size), [asked])),
        ("run-details", after(running(size), [letter('z')])),
        ("prerequisites-registry", after(registry, enter(1))),
        (
            "images-archive",
            after(begun(size), enter(2).into_iter().chain((0..3).map(|_| key(KeyCode::Down))).chain(enter(1))),
        ),
        ("stacks", after(stacks, [])),
        ("find", after(begun(size), [letter('/'), letter('d'), letter('e'), letter('v')])),
        ("settings-groups", in_groups(size)),
        ("settings-in-sandbox", after(in_sandbox(size), settings_of_sandbox())),
    ]
}

/// The settings of a stack that has many, with the last group open.
fn in_groups(size: Size) -> Model {
    after(at_prerequisites(size), [grounded(true), key(KeyCode::Enter), key(KeyCode::End), key(KeyCode::Enter)])
}

/// From the clusters to the settings of a stack.
fn settings_of_sandbox() -> Vec<Message> {
    let stacks = Message::Stacks { found: vec![crate::front::form::tests::shop()], broken: Vec::new() };
    let answers = [stacks, key(KeyCode::Enter), surveyed("dev"), grounded(true)];
    answers.into_iter().chain(enter(4)).collect()
}

/// Another plan than the usual one.
fn planned_anew(size: Size, made: Box<Made>) -> Model {
    let model = after(reviewed(size), [key(KeyCode::Char('r'))]);
    after(model, [Message::Planned { ticket: 2, made: Ok(made) }])
}

/// Installed, by a stack that says nothing of how it is reached.
fn nowhere_to_go(size: Size) -> Model {
    let mut made = made();
    made.plan.reach.clear();
    let model = planned_anew(size, made);
    after(
        model,
        agreed().into_iter().chain(stalls()).chain([tick(65_000)]).chain(web_is_done()).chain(done()).chain(enter(1)),
    )
}

/// Where clusters are chosen and made.
fn clusters(size: Size) -> Vec<(&'static str, Model)> {
    let look = Look { colour: true, unicode: true };
    let empty = Model::new(look, size, Wish::default());
    let letter = |letter| key(KeyCode::Char(letter));
    vec![
        ("cluster-empty", empty),
        ("cluster-none", after(Model::new(look, size, Wish::default()), [Message::Looked])),
        ("cluster-none-offers", after(Model::new(look, size, Wish::default()), [Message::Looked, yards()])),
        ("cluster-make", after(begun(size), [letter('c')])),
        ("cluster-make-lacks", after(begun(size), [letter('c'), key(KeyCode::Down), key(KeyCode::Enter)])),
        ("cluster-make-name", after(begun(size), [letter('c'), key(KeyCode::Enter), letter('!'), key(KeyCode::Enter)])),
        ("cluster-make-nodes", after(begun(size), [letter('c'), key(KeyCode::Enter), key(KeyCode::Enter)])),
        ("cluster-sandbox", after(begun(size), [key(KeyCode::End)])),
        ("cluster-sandbox-used", after(begun(size), [used(), key(KeyCode::End)])),
        ("cluster-in-sandbox", after(in_sandbox(size), [key(KeyCode::End)])),
        ("cluster-asking", after(Model::new(look, size, Wish::default()), [kubeconfig()])),
        ("cluster", begun(size)),
        ("cluster-unreached", after(begun(size), [key(KeyCode::Up), key(KeyCode::Enter)])),
    ]
}

/// What has to be there before.
fn prerequisites(size: Size) -> Vec<(&'static str, Model)> {
    let letter = |letter| key(KeyCode::Char(letter));
    vec![
        ("prerequisites-asking", at_prerequisites(size)),
        ("prerequisites-refused", after(at_prerequisites(size), [ungrounded()])),
        ("prerequisites", after(at_prerequisites(size), [grounded(true)])),
        (
            "prerequisites-none",
            after(begun(size), enter(1).into_iter().chain([surveyed("dev"), grounded(true)]).chain(enter(3))),
        ),
        ("prerequisites-one", after(at_prerequisites(size), [grounded(true), key(KeyCode::Down)])),
        ("prerequisites-taken", after(at_prerequisites(size), [grounded(true), key(KeyCode::Down), letter('d')])),
        (
            "prerequisites-others",
            after(at_prerequisites(size), [grounded(true), key(KeyCode::End), key(KeyCode::Enter)]),
        ),
        ("prerequisites-pool", after(at_pool(size), [])),
        ("prerequisites-typing", in_pool(size, "172.18.0.1-172.18.0.9")),
        ("prerequisites-foreign", after(in_pool(size, "10.0.0.1-10.0.0.9"), enter(1))),
        (
            "prerequisites-blocked",
            after(at_prerequisites(size), [grounded(false), key(KeyCode::Down), key(KeyCode::Down)]),
        ),
        ("prerequisites-strange", after(at_prerequisites(size), [grounded_by_somebody_strange(), key(KeyCode::Down)])),
    ]
}

/// Home, and the storage map.
fn at_homes(size: Size) -> Vec<(&'static str, Model)> {
    let letter = |letter| key(KeyCode::Char(letter));
    vec![
        ("home-connecting", at_home_first(size)),
        ("home-refused", at_home(size, Err("the API server at https://127.0.0.1:6443 does not answer".to_owned()))),
        ("home-reading", at_home(size, Ok(reading()))),
        ("home-silent", at_home(size, Ok(silent()))),
        ("home", at_home(size, Ok(home(true)))),
        ("home-node", after(at_home(size, Ok(home(true))), [key(KeyCode::Down), key(KeyCode::Down)])),
        ("home-broken", at_home(size, Ok(home(false)))),
        (
            "home-stack",
            after(at_home(size, Ok(home(false))), [letter('/'), letter('s'), letter('h'), letter('o'), letter('p')]),
        ),
        ("home-filtered", after(at_home(size, Ok(home(true))), [letter('/'), letter('z'), key(KeyCode::Enter)])),
        ("home-copied", after(at_home(size, Ok(home(true))), [letter('y')])),
        ("home-open-run", after(at_home(size, Ok(home_with_run())), [key(KeyCode::Down)])),
        ("storage", after(at_home(size, Ok(home(true))), [letter('m')])),
        ("storage-broken", after(at_home(size, Ok(home(false))), [letter('m')])),
        ("storage-empty", after(at_home(size, Ok(bare())), [letter('m')])),
    ]
    .into_iter()
    .chain(run_screens(size))
    .collect()
}

/// A run that waits.
fn running(size: Size) -> Model {
    after(reviewed(size), agreed().into_iter().chain(stalls()).chain([tick(65_000)]))
}

/// The run, its logs and its time.
fn run_screens(size: Size) -> Vec<(&'static str, Model)> {
    let letter = |letter| key(KeyCode::Char(letter));
    let running = || running(size);
    vec![
        ("run", running()),
        ("run-simulated", simulated(size)),
        ("run-proved", after(reviewed(size), agreed().into_iter().chain(proved()))),
        ("run-first", after(reviewed(size), agreed())),
        ("run-pulling", pulling_now(size)),
        ("run-moving", after(reviewed(size), agreed().into_iter().chain(moving()).chain([tick(9000)]))),
        ("run-moved", after(running(), [key(KeyCode::Up)])),
        ("run-notice", after(running(), [a_notice(), key(KeyCode::End), key(KeyCode::PageDown)])),
        ("run-timeline", after(reviewed(size), over_time().into_iter().chain([letter('t')]))),
        ("run-timeline-first", after(reviewed(size), agreed().into_iter().chain([letter('t')]))),
        (
            "run-timeline-done",
            after(reviewed(size), over_time().into_iter().chain([a_notice()]).chain(done()).chain([letter('t')])),
        ),
        ("logs-asking", after(running(), [letter('l')])),
        ("logs", after(running(), [letter('l'), logs(said())])),
        ("logs-many", after(running(), [letter('l'), logs(many(300)), key(KeyCode::PageUp)])),
        ("logs-filter", after(running(), [letter('l'), logs(said()), letter('/'), letter('m'), letter('u')])),
        ("logs-nothing", after(running(), [letter('l'), logs(many(3)), letter('/'), letter('q'), key(KeyCode::Enter)])),
        (
            "logs-broken",
            after(
                running(),
                [
                    letter('l'),
                    logs(many(3)),
                    over(
                        "the pods of Deployment/sea/mq cannot be read (pods is forbidden): ask for list and watch on pods, and get on pods/log",
                    ),
                ],
            ),
        ),
        ("run-leave", after(running(), [letter('q')])),
        ("run-stopping", after(running(), [control('c')])),
        ("run-failed", after(running(), web_is_left().into_iter().chain(failed()))),
        (
            "run-failed-logs",
            after(running(), web_is_left().into_iter().chain(failed()).chain([letter('l'), logs(said())])),
        ),
        ("run-failed-timeline", after(reviewed(size), over_time().into_iter().chain(failed()).chain([letter('t')]))),
        ("run-done", after(running(), web_is_done().into_iter().chain(done()))),
        ("run-refused", after(reviewed(size), agreed().into_iter().chain([Message::Ended(Err(Box::new(locked())))]))),
    ]
}

fn drawn(model: &Model) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    terminal.draw(|frame| view(model, frame)).unwrap();
    terminal
}

#[test]
fn every_screen_in_every_size() {
    for size in SIZES {
        for (name, model) in screens(size) {
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), drawn(&model).backend());
        }
    }
}

fn text(model: &Model) -> String {
    drawn(model).backend().to_string()
}

/// What can be added is no reason against a profile, and is named.
#[test]
fn what_the_next_step_adds_is_not_too_little() {
    let model = after(at_sharing((200, 60)), [surveyed_bare(), key(KeyCode::Down)]);
    let text = text(&model);
    assert!(text.contains("✓ adds: ") && text.contains("; offered at the next step"), "{text}");
    let verdict = text.lines().find(|line| line.contains("this cluster")).unwrap();
    assert!(!verdict.contains("lacks: local-path"), "{verdict}");
}

/// A run is told by one clock, and in the sandbox it says by which.
#[test]
fn a_run_in_the_sandbox_has_one_clock_that_says_what_it_is() {
    let text = text(&simulated((120, 40)));
    assert!(text.contains("1 min 5 s of simulated time"), "{text}");
    assert!(
        text.contains("  1 min 5 s of 5 min") && !text.contains(" 1 s"),
        "the step that waits goes by it, too: {text}"
    );
}

#[test]
fn what_was_proved_has_no_mark_of_care() {
    let text = text(&after(reviewed((120, 40)), agreed().into_iter().chain(proved())));
    let line = |what: &str| text.lines().find(|line| line.contains(what)).unwrap().to_owned();
    assert!(line("kruise works").contains("✓ kruise works") && !line("metallb does not").contains('✓'), "{text}");
}

#[test]
fn images_that_nobody_gives_away_are_said_to_be_so() {
    let text = text(&at_unpublished((120, 40)));
    assert!(text.contains("registries (not public)") && text.contains("If you do not have these images"), "{text}");
}

#[test]
fn a_sandbox_of_an_earlier_visit_says_what_is_in_it_and_how_it_begins_anew() {
    let model = after(begun((200, 60)), [used(), key(KeyCode::End)]);
    let text = text(&model);
    assert!(text.contains("the sandbox ha (used: 2 stacks): nothing in it is real"), "{text}");
    assert!(text.contains("seaworthy --sandbox=ha sandbox reset"), "{text}");
    assert!(text.contains("sandbox single-node: nothing in it is real"), "{text}");
}

/// With `--dry-run` all that would be done is shown, or why it cannot be.
#[test]
fn what_is_only_shown_is_shown_whole() {
    let scrolled = |model: Model| text(&after(model, [key(KeyCode::Home)]));
    let whole = scrolled(shown((120, 60), Ok(made())));
    assert!(whole.contains("the stack's own plan is below") && whole.contains("shop 1.0.0"), "{whole}");
    assert!(whole.contains("kruise is proved to work"), "{whole}");
    let why = scrolled(shown((120, 60), Err("no matches for kind CloneSet".to_owned())));
    assert!(why.contains("cannot be planned before that is there: no matches for kind CloneSet"), "{why}");
}

/// What `recover` and others say of a run leads to the cluster that is looked at.
#[test]
fn texts_on_the_screen_name_the_place() {
    let refused = screens((200, 60)).into_iter().find(|(name, _)| *name == "review-refused").unwrap().1;
    assert!(text(&refused).contains("`seaworthy --context=dev runs resume 20260102-030405`"), "{}", text(&refused));
}

/// Nobody agrees to what is out of sight without being told that there is more.
#[test]
fn what_has_no_room_is_counted_and_a_key_away() {
    let small = SIZES[1];
    assert!(text(&reviewed(small)).contains("more lines below (PgUp, PgDn)"));
    assert!(text(&after(reviewed(small), [key(KeyCode::End)])).contains("more lines above (PgUp, PgDn)"));
    let run = running(small);
    assert!(text(&run).contains("more lines (z)"), "{}", text(&run));
    let run = after(run, [key(KeyCode::Char('z'))]);
    assert!(text(&run).contains("pull failed; the kubelet retries"), "{}", text(&run));
    assert!(!text(&after(run, [key(KeyCode::Char('z'))])).contains("pull failed"), "z closes it, too");
}

#[test]
fn every_step_says_what_it_is_about() {
    for size in [SIZES[0], SIZES[1]] {
        for (name, model) in screens(size).into_iter().filter(|(_, model)| model.screen > Screen::Cluster) {
            let text = text(&model);
            let rule = text.lines().nth(1).unwrap_or_default();
            assert!(name == "help" || rule.contains("cluster dev") || rule.contains("(simulated)"), "{name}: {text}");
        }
    }
}

/// What a key does is said as it is on this line.
#[test]
fn labels_of_keys_are_true_here() {
    let screens = screens(SIZES[2]);
    let bar = |name: &str| {
        let model = &screens.iter().find(|(known, _)| *known == name).unwrap().1;
        text(model).lines().last().unwrap_or_default().to_owned()
    };
    assert!(bar("run-failed").contains("Enter plan again") && bar("run-failed").contains("l logs"));
    assert!(bar("run-done").contains("Enter go on") && !bar("run-done").contains("l logs"));
    assert!(bar("prerequisites").contains("Enter go on") && bar("prerequisites-one").contains("Enter change"));
    assert!(bar("prerequisites-taken").contains("d leave it"));
    assert!(!bar("home-refused").contains("Enter") && bar("home-open-run").contains("Enter resume"));
    assert!(!bar("reach").contains("Enter") && bar("reach-failed").contains("Enter open"));
    assert!(!bar("cluster-in-sandbox").contains("c create"));
    assert!(bar("logs-filter").contains("Esc show all") && bar("find").contains("Esc cancel"));
}

/// No control character of a cluster gets through, and a secret not at all.
#[test]
fn nothing_gets_through_that_must_not() {
    for (name, mut model) in screens(SIZES[0]) {
        for size in SIZES {
            update(&mut model, Message::Resize(size.0, size.1));
            let text = drawn(&model).backend().to_string();
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{name}: {text:?}");
            assert!(!text.contains("swordfish"), "{name}: {text}");
        }
    }
}

#[test]
fn without_unicode_all_is_ascii_and_without_colour_nothing_is_coloured() {
    for (name, mut model) in screens((80, 24)) {
        model.look = Look { colour: false, unicode: false };
        let terminal = drawn(&model);
        let buffer = terminal.backend().buffer();
        for cell in buffer.content() {
            assert!(cell.symbol().is_ascii(), "{name}: {:?}", cell.symbol());
            assert_eq!((cell.fg, cell.bg), (ratatui::style::Color::Reset, ratatui::style::Color::Reset), "{name}");
        }
    }
}

/// A terminal can be made as small as it likes.
#[test]
fn no_size_is_too_small() {
    for (_, mut model) in screens(SIZES[0]) {
        for size in [(1, 1), (2, 3), (10, 5), (20, 4), (39, 9), (119, 3)] {
            for (columns, lines) in [size, (size.1, size.0)] {
                update(&mut model, Message::Resize(columns, lines));
                drawn(&model);
            }
        }
    }
}
