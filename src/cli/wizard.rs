//! `install` without a stack, and the program without a command: everything is asked for.

mod answers;
mod around;
mod director;
mod draft;
mod groundwork;
mod logs;
mod lookout;
mod origin;
mod plain_home;
mod recovery;

use std::io::{BufWriter, IsTerminal as _, stderr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};
use crossterm::event::{Event as Input, KeyCode, KeyModifiers};
use futures::StreamExt as _;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use seaworthy::error::Class;
use seaworthy::event::Ended;
use tokio::sync::mpsc;

use super::choose::choices;
use super::install::{self, InstallArgs};
use super::{Cli, Command, Failure, Session, prerequisites};
use crate::front::form::quoted;
use crate::front::look::Look;
use crate::front::origin::{STAND_INS, load_option};
use crate::front::paint::Paint;
use crate::front::plain::finished_text;
use crate::front::recover_text::report_text;
use crate::front::tui::input::Typed;
use crate::front::tui::model::{Exit, Message, Model, Wish};
use crate::front::tui::{self, Stage as _, terminal};
use crate::front::{can_ask, place, say, terminal_is_gone};
use director::Crew;

/// Messages that may wait for the screen.
const MESSAGES: usize = 256;
/// More than a frame of a large terminal takes.
const FRAME_BYTES: usize = 1 << 16;

/// Why the stack's own plan is not shown.
const NOT_YET: &str = "the stack itself cannot be planned before that is there";

/// The program without a command: on a terminal the way to an installed stack, elsewhere a short help.
pub(super) async fn home(session: &Arc<Session>) -> Result<ExitCode, Failure> {
    if can_ask() && !session.is_json() {
        if !session.is_lively() && !session.globals.yes {
            if let Some(kind) = session.globals.sandbox {
                session.sandbox(kind)?;
            }
            return plain_home::run(session).await;
        }
        return begin(session, &InstallArgs::default(), true).await;
    }
    // Nobody is left to be told that the reader has gone away.
    let _ = std::io::Write::write_all(&mut stderr(), Cli::command().render_help().to_string().as_bytes());
    Ok(ExitCode::from(2))
}

/// The command that begins the same way again, where it is one of those that ask for everything.
pub(super) fn command(command: Option<&Command>) -> Option<Command> {
    match command {
        Some(Command::Install(arguments)) => Some(Command::Install(arguments.clone())),
        _ => None,
    }
}

/// `install` without a stack.
pub(super) async fn run(session: &Arc<Session>, arguments: &InstallArgs) -> Result<ExitCode, Failure> {
    begin(session, arguments, false).await
}

/// `home`: the cluster is looked at before anything is installed on it.
async fn begin(session: &Arc<Session>, arguments: &InstallArgs, home: bool) -> Result<ExitCode, Failure> {
    if !can_ask() || session.is_json() || session.globals.yes {
        let names = session.catalogue().names().join(", ");
        let hint =
            format!("name one of {names}: `seaworthy install STACK --yes`, with -f FILE or --set for its settings");
        return Err(Failure::input("no-stack", "no stack was named, and nobody can be asked which", hint));
    }
    if let Some(kind) = session.globals.sandbox {
        // That another process has it is better said before the screen is taken.
        session.sandbox(kind)?;
    }
    if session.is_lively() {
        return Box::pin(full_screen(session, arguments, home)).await;
    }
    line_by_line(session, arguments, &mut answers::Memory::default()).await
}

/// The questions one after the other, and what follows from the answers.
async fn line_by_line(
    session: &Arc<Session>,
    arguments: &InstallArgs,
    memory: &mut answers::Memory,
) -> Result<ExitCode, Failure> {
    let Some(answers) = Box::pin(answers::ask(session, arguments, memory)).await? else { return Ok(ExitCode::SUCCESS) };
    let answers::Answers { session, context, arguments, first } = answers;
    let session = &session;
    let Some(first) = first else { return Box::pin(install::run_on(session, Some(&context), &arguments)).await };
    let first = prerequisites::InstallArgs { dry_run: arguments.dry_run, ..first.into() };
    let cluster = session.connect_to(Some(&context)).await?;
    let code = Box::pin(prerequisites::run_on(session, cluster, &first)).await?;
    if code != ExitCode::SUCCESS {
        return Ok(code);
    }
    let installed = Box::pin(install::run_on(session, Some(&context), &arguments)).await;
    match installed {
        // What is missing for its plan is what was only shown.
        Err(failure) if first.dry_run && failure.class == Class::Input => {
            say(format!("{NOT_YET}: {}", failure.message));
            Ok(ExitCode::SUCCESS)
        }
        Ok(code) if first.dry_run && code != ExitCode::SUCCESS => {
            say(format!("{NOT_YET}: what is refused above may be right then"));
            Ok(ExitCode::SUCCESS)
        }
        installed => installed,
    }
}

async fn full_screen(begun: &Arc<Session>, arguments: &InstallArgs, home: bool) -> Result<ExitCode, Failure> {
    let mut session = begun.clone();
    let wish = Wish { home, ..wish(&session, arguments)? };
    let size = crossterm::terminal::size().map_err(|error| unusable(&error))?;
    let (sender, mut messages) = mpsc::channel::<Message>(MESSAGES);
    let mut model = Model::new(look(&session), size, wish);
    if let Some(answers) = begun.take_answers() {
        model.go_on_with(answers);
    }
    let mut crew = Crew::new(session.clone(), arguments.clone(), sender);
    crew.hear_signals();
    loop {
        let mut screen = terminal::Screen::take().map_err(|error| unusable(&error))?;
        // A frame goes out at once; standard error by itself sends each escape sequence alone.
        let out = BufWriter::with_capacity(FRAME_BYTES, stderr());
        let mut terminal = Terminal::new(CrosstermBackend::new(out)).map_err(|error| unusable(&error))?;
        let ears = (Typed::new(), &mut messages);
        let exit = tui::run(&mut terminal, ears, &mut model, &mut crew, &mut screen).await;
        if screen.is_gone() {
            // Its destructor wants to show the cursor, and panics when it cannot say that it could not.
            std::mem::forget(terminal);
            // That nothing could be drawn any more is heard before the signal that says why.
            if exit.is_err() {
                return Ok(ExitCode::from(129));
            }
        }
        let exit = exit.map_err(|error| unusable(&error))?;
        drop(screen);
        match (exit, &model.aside) {
            (Exit::Turn(turn), _) => {
                begun.keep_answers(model.keep());
                begun.turn_to(turn);
                return Ok(ExitCode::SUCCESS);
            }
            (Exit::Aside, Some(words)) => {
                let there = match &model.watch.context {
                    Some(context) if model.clusters.made.is_none() => Arc::new(session.turned_to(context)),
                    _ => session.clone(),
                };
                model.missed = aside(&there, words, &mut messages).await?;
                // Only who made it may read it.
                let file = model.clusters.made.as_ref().and_then(|(_, file)| *file).map(Path::new);
                if let Some(file) = file.filter(|file| std::fs::File::open(file).is_ok()) {
                    session = Arc::new(session.with_kubeconfig(file));
                    crew.turn(session.clone());
                    model.wish.kubeconfig = Some(file.to_owned());
                }
                model.size = crossterm::terminal::size().map_err(|error| unusable(&error))?;
            }
            _ => return leave(&session, model, exit),
        }
    }
}

/// One of our own commands, on lines, as if it had been typed.
async fn beside(session: &Arc<Session>, words: &[String]) {
    if let Err(failure) = typed(session, words).await {
        session.fail(&failure);
    }
}

/// The same, then back to the screen; with what came meanwhile, of how the cluster is only the last.
async fn aside(
    session: &Arc<Session>,
    words: &[String],
    messages: &mut mpsc::Receiver<Message>,
) -> Result<Vec<Message>, Failure> {
    let mut missed: Vec<Message> = Vec::new();
    // What an earlier one has written would be taken for a part of this one.
    terminal::clear().map_err(|error| unusable(&error))?;
    beside(session, words).await;
    // Before it is said: a key that comes at once is a key, too.
    let _keys = terminal::Keys::take().map_err(|error| unusable(&error))?;
    say("");
    say("Enter, Esc or q goes back to the screen");
    // Not a read that nobody can take back: it would have the next key of the screen.
    let mut typed = Typed::new();
    let enter = async {
        // An error or an end is that of the terminal.
        while typed.next().await.and_then(Result::ok).is_some_and(|input| !goes_back(&input)) {}
    };
    let signal = async {
        while let Some(message) = messages.recv().await {
            let is_last = matches!(message, Message::Signal(_));
            if matches!(message, Message::Home { .. }) {
                missed.retain(|known| !matches!(known, Message::Home { .. }));
            }
            missed.push(message);
            if is_last {
                break;
            }
        }
    };
    tokio::select! {
        () = enter => {}
        () = signal => {}
    }
    Ok(missed)
}

/// Whether a key goes back to the screen; Ctrl-C, which is no signal while keys are read one by one, too.
fn goes_back(input: &Input) -> bool {
    let Input::Key(key) = input else { return false };
    let is_plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match key.code {
        KeyCode::Enter | KeyCode::Esc => true,
        KeyCode::Char('q') => is_plain,
        KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

/// One of our own commands, as if it had been typed.
pub(super) async fn typed(session: &Arc<Session>, words: &[String]) -> Result<ExitCode, Failure> {
    let typed = std::iter::once("seaworthy").chain(words.iter().map(String::as_str));
    match Cli::try_parse_from(typed) {
        Ok(cli) => Box::pin(super::dispatch(session, cli.command)).await,
        // What a name of the cluster makes of our words is no reason to end.
        Err(error) => Err(Failure::input("aside", error.to_string(), "use it from a shell")),
    }
}

/// What is said once the screen is the shell's again.
fn leave(session: &Session, mut model: Model, exit: Exit) -> Result<ExitCode, Failure> {
    place::set(model.leads_to());
    match exit {
        Exit::Interrupted(code) => {
            say(if model.was_aside { "interrupted" } else { "interrupted; nothing was written" });
            return Ok(ExitCode::from(code));
        }
        Exit::Declined => {
            return Err(Failure::new("declined", Class::Declined, "left; nothing was written", None));
        }
        Exit::Ended | Exit::Aside | Exit::Turn(_) => {}
    }
    let outcome = model.board.as_ref().and_then(|board| board.outcome.as_ref());
    if let Some(outcome) = outcome {
        if let Some(way) = model.way_in().filter(|_| outcome.ended == Ended::Done) {
            say(format!("open it with: {way}"));
        }
        // Whoever stops a recovery has to know what that leaves behind.
        if let Some(told) = model.recovery.told().filter(|_| model.is_recovering()) {
            say(report_text(&told.report, &told.file));
        }
        say(finished_text((outcome, false), Paint(session.is_colourful())));
    }
    model.last.take().unwrap_or(Ok(ExitCode::SUCCESS))
}

/// What the command line says and no wizard asks for, as it would be typed.
fn said(arguments: &InstallArgs) -> Vec<String> {
    let choice = &arguments.choice;
    let named = [
        ("--namespace", &choice.namespace),
        ("--name", &choice.name),
        ("--registry", &choice.registry),
        ("--pull-secret", &choice.pull_secret),
    ];
    let options = named.iter().filter_map(|(option, value)| Some(format!("{option} {}", quoted(value.as_ref()?))));
    let logins = choice.registry_login.iter().map(|login| format!("--registry-login {}", quoted(login)));
    let load = arguments.load_images.iter().map(|from| load_option(from.as_deref()));
    let stand_ins = choice.stand_ins.then(|| STAND_INS.to_owned());
    options.chain(logins).chain(load).chain(stand_ins).collect()
}

fn wish(session: &Session, arguments: &InstallArgs) -> Result<Wish, Failure> {
    let choice = &arguments.choice;
    Ok(Wish {
        context: session.globals.context.clone(),
        sandbox: session.globals.sandbox,
        kubeconfig: session.globals.kubeconfig.clone(),
        profiles: session.globals.profiles.clone(),
        namespace: choice.namespace.clone(),
        options: said(arguments),
        images: origin::is_said(arguments),
        choices: choices(choice)?,
        registry: choice.registry.clone(),
        read_only: session.globals.read_only,
        dry_run: arguments.dry_run,
        home: false,
    })
}

/// What the terminal can show.
fn look(session: &Session) -> Look {
    Look { colour: session.is_colourful(), unicode: session.is_unicode() }
}

fn unusable(error: &std::io::Error) -> Failure {
    if terminal_is_gone() {
        return Failure::interrupted();
    }
    let message = format!("the full screen cannot be used: {error}");
    let hint = if std::io::stdin().is_terminal() {
        "use --plain for questions line by line"
    } else {
        "name a stack and add --yes"
    };
    Failure::input("no-full-screen", message, hint)
}
