//! `sluice operator`: the logins of operators. What they do is recorded under their login.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use store::operators::{self, Name};

use crate::config::{self, OwnersDatabase};
use crate::output;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a login for a person and show its password, which cannot be shown again
    Add(Add),
    /// List the operators
    List(List),
    /// Remove an operator's login and end its connections
    Remove(Remove),
}

#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    database: OwnersDatabase,
    /// Name of the login: lower-case letters, digits and _
    #[arg(value_parser = name)]
    name: Name,
    /// Write the password to this new file, readable by you only, and do not show it
    #[arg(long)]
    password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    database: OwnersDatabase,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Remove {
    #[command(flatten)]
    database: OwnersDatabase,
    /// Name of the login
    #[arg(value_parser = name)]
    name: Name,
}

fn name(text: &str) -> Result<Name, &'static str> {
    Name::parse(text)
        .ok_or("expected lower-case letters, digits and _, and no name of Postgres or of Sluice")
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(add) => run_add(&add).await,
        Command::List(list) => run_list(&list).await,
        Command::Remove(remove) => {
            let db = remove.database.connect().await?;
            let exists = operators::remove(&db, &remove.name).await?;
            ensure!(exists, "there is no operator {}", remove.name);
            println!("operator {} removed", remove.name);
            Ok(())
        }
    }
}

async fn run_add(add: &Add) -> anyhow::Result<()> {
    let db = add.database.connect().await?;
    // First, so that no login is made whose password cannot be written.
    let file = add.password_file.as_deref().map(new_file).transpose()?;
    let added = operators::add(&db, &add.name).await;
    let password = match added {
        Ok(Some(password)) => password,
        failed => {
            if let Some(path) = &add.password_file {
                let _ = fs::remove_file(path);
            }
            failed?;
            anyhow::bail!("the database has a role {} already", add.name);
        }
    };
    let password_words = match (file, &add.password_file) {
        (Some(mut file), Some(path)) => {
            let path = path.display();
            writeln!(file, "{}", password.as_str()).with_context(|| format!("writing {path}"))?;
            [
                "in ".to_owned() + &path.to_string(),
                format!("$(cat {path})"),
            ]
        }
        _ => [password.to_string(), "…".to_owned()],
    };
    let [shown, used] = &password_words;
    let url = url_without_login(add.database.url()?);
    println!("operator  {}", add.name);
    println!("password  {shown}");
    println!(
        "use       PGPASSWORD={used} DATABASE_URL=postgres://{}@{url} sluice status",
        add.name
    );
    if add.password_file.is_none() {
        println!("\nStore the password now; it cannot be shown again.");
    }
    Ok(())
}

/// Host, port and database of a URL.
fn url_without_login(url: &str) -> String {
    let database = reqwest::Url::parse(url).map(|url| url.path().to_owned());
    format!("{}{}", config::host(url), database.unwrap_or_default())
}

/// A new file that only its owner can read.
fn new_file(path: &Path) -> anyhow::Result<File> {
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.with_context(|| format!("cannot make the new file {}", path.display()))
}

async fn run_list(list: &List) -> anyhow::Result<()> {
    let operators = operators::list(&list.database.connect().await?).await?;
    if list.json {
        let operators: Vec<Value> = operators
            .iter()
            .map(|operator| {
                json!({
                    "name": operator.name,
                    "connections": operator.sessions,
                    "last_action_at": operator.last_action_at.map(output::timestamp),
                })
            })
            .collect();
        println!("{}", serde_json::to_string(&operators)?);
        return Ok(());
    }
    if operators.is_empty() {
        println!("no operators; `sluice operator add NAME` makes a login");
        return Ok(());
    }
    let rows: Vec<_> = operators
        .into_iter()
        .map(|operator| {
            let last_change = operator
                .last_action_at
                .map_or("-".to_owned(), output::minute);
            [operator.name, operator.sessions.to_string(), last_change]
        })
        .collect();
    output::table(["operator", "connections", "last change"], &rows);
    Ok(())
}
