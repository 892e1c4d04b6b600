//! The full screen: an Elm loop.
//!
//! ```text
//! keys ---.
//! signals-+-- Message -- update -- Model -- view -- terminal
//! answers-+                '-- Effect -- Director (cli/wizard) -- library
//! clock --'                                  '-- Message
//! ```
//!
//! `update` and `view` are pure. Nothing blocks the loop: what takes time is an effect, and its answer a message.

pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod model;
pub(crate) mod terminal;
#[cfg(test)]
mod testing;
mod update;
mod view;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crossterm::event::{Event as Input, KeyEventKind};
use futures::{Stream, StreamExt as _};
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use model::{Effect, Exit, Message, Model};

/// How often what moves is drawn again.
const FRAME: Duration = Duration::from_millis(125);
/// How often it is looked whether the terminal is still there: crossterm never tells.
const PULSE: Duration = Duration::from_secs(1);

/// Does what the model wants done, and answers with messages.
pub(crate) trait Director {
    /// Begins it, and does not wait for its end.
    fn perform(&mut self, effect: Effect);
}

/// Leaves the screen to the shell and comes back when the shell says so.
pub(crate) trait Stage {
    /// Asks to be stopped, where somebody would wake us.
    fn suspend(&mut self) -> io::Result<()>;
    /// Gives the terminal back, stops, and takes the terminal again.
    fn sleep(&mut self) -> io::Result<()>;
    /// Takes the terminal again, however it was left.
    fn retake(&mut self) -> io::Result<()>;
    /// Puts a text into the clipboard of the terminal, where it has one.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Whether the terminal has gone away without a signal, because somebody shields us from it (`nohup`, `timeout`).
    fn is_gone(&self) -> bool;
    /// Whether the program is no longer able to show anything, because some part of it panicked.
    fn is_broken(&self) -> bool;
}

/// Runs until the person leaves. Generic over the terminal and over where keys come from, so that tests need neither.
pub(crate) async fn run<B: Backend<Error = io::Error>>(
    terminal: &mut Terminal<B>,
    (input, messages): (impl Stream<Item = io::Result<Input>> + Unpin, &mut mpsc::Receiver<Message>),
    model: &mut Model,
    director: &mut impl Director,
    stage: &mut impl Stage,
) -> io::Result<Exit> {
    let mut ears = Ears { input, messages, began: Instant::now(), embarked: tokio::time::Instant::now() };
    let mut clock = interval(FRAME);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut effects = update::begin(model);
    loop {
        for effect in effects.drain(..) {
            match effect {
                Effect::Quit(exit) => return Ok(exit),
                Effect::Copy(text) => stage.copy(&text)?,
                Effect::Suspend => stage.suspend()?,
                Effect::Sleep => {
                    stage.sleep()?;
                    draw_anew(terminal)?;
                }
                Effect::Retake => {
                    stage.retake()?;
                    draw_anew(terminal)?;
                }
                other => director.perform(other),
            }
        }
        if stage.is_broken() {
            return Ok(Exit::Interrupted(101));
        }
        terminal.draw(|frame| view::view(model, frame))?;
        // Where nothing has happened nothing is drawn: home may be open all day.
        let message = loop {
            tokio::select! {
                message = ears.next() => break message?,
                _ = clock.tick(), if model.is_busy() => break Some(ears.now()),
                _ = pulse.tick() => {
                    if stage.is_gone() {
                        break Some(Message::Signal(129));
                    }
                }
            }
        };
        // What has come meanwhile is taken in before anything is drawn again.
        let mut next = message;
        update::update(model, ears.now());
        while let Some(message) = next {
            effects.extend(update::update(model, message));
            next = ears.already().await?;
        }
    }
}

/// Nothing of what was on the screen counts any more. Not `Terminal::clear`: that asks the terminal where its cursor is, and
/// one that does not answer would end the program.
fn draw_anew<B: Backend<Error = io::Error>>(terminal: &mut Terminal<B>) -> io::Result<()> {
    let size = terminal.size()?;
    terminal.resize(size.into())
}

/// Everything that the loop listens to.
struct Ears<'a, I> {
    input: I,
    messages: &'a mut mpsc::Receiver<Message>,
    began: Instant,
    /// The same by the clock that a sandbox plays.
    embarked: tokio::time::Instant,
}

impl<I: Stream<Item = io::Result<Input>> + Unpin> Ears<'_, I> {
    fn now(&self) -> Message {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Message::Tick { clock: millis(self.began.elapsed()), time: millis(self.embarked.elapsed()) }
    }

    /// What has happened already. Whoever listens is the loop's own task also here: a stream of keys remembers whom it has
    /// to wake.
    async fn already(&mut self) -> io::Result<Option<Message>> {
        let mut next = pin!(self.next());
        poll_fn(|context| {
            Poll::Ready(match next.as_mut().poll(context) {
                Poll::Ready(message) => message,
                Poll::Pending => Ok(None),
            })
        })
        .await
    }

    /// The next thing that happens; `None` for what means nothing here.
    async fn next(&mut self) -> io::Result<Option<Message>> {
        tokio::select! {
            input = self.input.next() => match input {
                Some(input) => Ok(message_of(input?)),
                // The terminal has gone away.
                None => Ok(Some(Message::Signal(129))),
            },
            message = self.messages.recv() => Ok(message),
        }
    }
}

fn message_of(input: Input) -> Option<Message> {
    match input {
        Input::Key(key) if key.kind != KeyEventKind::Release => Some(Message::Key(key)),
        Input::Paste(text) => Some(Message::Paste(text)),
        Input::Resize(columns, lines) => Some(Message::Resize(columns, lines)),
        _ => None,
    }
}
