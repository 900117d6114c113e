//! A setting of the allocator, which reads it when a program begins and never again.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// How long the allocator holds what was freed before it gives it back, in milliseconds; -1 for ever.
pub(crate) const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Begins this program again, as the same process, so that what it frees stays with it. An audit takes and frees the same pieces of memory all
/// the time; to give them back each time costs it a fifteenth. Whoever has set the variable has decided.
pub fn keep_what_is_freed() {
    if std::env::var_os(PURGE_DELAY).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut again = Command::new(program);
    arguments.next().into_iter().for_each(|name| _ = again.arg0(name));
    // Comes back only where it failed: then everything takes a little longer.
    _ = again.args(arguments).env(PURGE_DELAY, "-1").exec();
}
