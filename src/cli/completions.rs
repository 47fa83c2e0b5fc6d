//! `levada completions`: what a shell needs to complete our arguments.

use clap::Parser;
use clap_complete::Shell;

use super::commands::Subcommand;
use super::context::Context;
use super::run::root;
use super::stop::Result;

/// Write completions for a shell to standard output
#[derive(Debug, Parser)]
#[command(
    name = "completions",
    after_help = "\
Examples:
  levada completions bash > ~/.local/share/bash-completion/completions/levada
  levada completions zsh > ~/.zfunc/_levada
  levada completions fish > ~/.config/fish/completions/levada.fish"
)]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Subcommand for Completions {
    fn run(self, context: &Context) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut root(), "levada", &mut script);
        let mut output = context.output();
        output.bytes(&script)?;
        output.flush()
    }
}
