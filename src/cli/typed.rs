//! The command that was typed, for whoever has to type it again as root.

use std::path::Path;

use crate::front::form::quoted;

/// Where root finds programs whatever sudo was told (`secure_path`).
const FOUND: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// What was typed, as a shell takes it. No secret can be in it: values of secrets are refused there.
pub(crate) fn typed() -> String {
    again(std::env::args(), std::env::current_exe().ok().as_deref())
}

/// `program`: where it lies. One that the PATH of this user leads to, root's may not (`~/.cargo/bin`).
fn again(words: impl Iterator<Item = String>, program: Option<&Path>) -> String {
    let mut words: Vec<String> = words.collect();
    let by_name = words.first().is_some_and(|first| !first.contains('/'));
    let hidden = program.filter(|file| !file.parent().is_some_and(|folder| FOUND.iter().any(|found| folder == *found)));
    if let (true, Some(file)) = (by_name, hidden) {
        words[0] = file.display().to_string();
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_finds_the_program_and_the_words_stay_what_they_were() {
        let typed =
            |line: &[&str], program: &str| again(line.iter().map(ToString::to_string), Some(Path::new(program)));
        let line = ["seaworthy", "images", "load", "mine", "--set", "greeting=Ahoy there"];
        assert_eq!(typed(&line, "/usr/bin/seaworthy"), "seaworthy images load mine --set 'greeting=Ahoy there'");
        assert_eq!(typed(&line[..3], "/home/a/.cargo/bin/seaworthy"), "/home/a/.cargo/bin/seaworthy images load");
        assert_eq!(typed(&["./seaworthy", "detect"], "/home/a/seaworthy"), "./seaworthy detect");
        assert_eq!(again(["seaworthy".to_owned()].into_iter(), None), "seaworthy");
    }
}
