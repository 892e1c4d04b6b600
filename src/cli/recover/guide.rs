//! `recover --guide`: what people do by hand, without a cluster.

use std::process::ExitCode;

use seaworthy::recover::guide::{self, Guide};

use crate::cli::{Failure, Session};
use crate::front::paint::table;

/// Shows a guide, or which there are.
pub(super) fn show(session: &Session, name: &str) -> Result<ExitCode, Failure> {
    let guides = guide::all(&session.catalogue())?;
    if name.is_empty() {
        session.print("Guides", &guides, || list(&guides));
    } else {
        let guide = guide::named(&guides, name)?;
        session.print("Guide", guide, || guide.markdown(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the name of a guide was typed as that of a playbook.
pub(super) fn or_not(session: &Session, name: &str) -> Option<Failure> {
    let guides = guide::all(&session.catalogue()).ok()?;
    guide::named(&guides, name).ok()?;
    let message = format!("`{name}` is no playbook but a guide: what people do by hand");
    Some(Failure::input("is-a-guide", message, format!("`seaworthy recover --guide {name}` shows it")))
}

fn list(guides: &[Guide]) -> String {
    let rows: Vec<Vec<String>> =
        guides.iter().map(|guide| vec![guide.name.clone(), guide.sheet.title.clone()]).collect();
    format!(
        "{}\n\n`seaworthy recover --guide GUIDE` shows one; none of them needs a cluster",
        table(&["GUIDE", "WHAT HAS HAPPENED"], &rows)
    )
}
