//! On a terminal, under a shell with job control, utrace is not in the way: ^C, ^\, ^Z, fg, bg.

mod common;

use common::Place;
use common::pty::Terminal;

fn start(place: &Place, fixture: &str, args: &str) -> Terminal {
    let program = place.fixture(fixture);
    let utrace = place.utrace();
    let mut terminal = Terminal::new(&place.path("."));
    terminal.line(&format!(
        "{} run --log=f -- {} {args}; echo \"status=$?.\"",
        utrace.display(),
        program.display()
    ));
    terminal.wait_for("ready\r\n");
    terminal
}

#[test]
fn control_c_is_the_programs() {
    let place = Place::new();
    let mut terminal = start(&place, "spin", "");
    terminal.press("\x03");
    terminal.wait_for("^C");
    // bash breaks off the list when a command of it dies by SIGINT, as without utrace.
    terminal.wait_for("$> ");
    terminal.line("echo \"then=$?.\"");
    terminal.wait_for("then=130.");
    assert!(place.read("f").ends_with("+++ killed by SIGINT +++\n"));
}

#[test]
fn control_c_may_be_handled_by_the_program() {
    let place = Place::new();
    let mut terminal = start(&place, "term_handler", "");
    terminal.press("\x03");
    terminal.wait_for("signal 2\r\n");
    terminal.wait_for("status=12.");
}

#[test]
fn control_backslash_is_the_programs() {
    let place = Place::new();
    let mut terminal = start(&place, "term_handler", "");
    terminal.press("\x1c");
    terminal.wait_for("signal 3\r\n");
    terminal.wait_for("status=13.");
}

#[test]
fn control_z_stops_both_and_fg_continues_both() {
    let place = Place::new();
    let mut terminal = start(&place, "term_handler", "");
    for _ in 0..3 {
        terminal.press("\x1a");
        terminal.wait_for("Stopped");
        terminal.wait_for("$> ");
        terminal.line("fg");
        terminal.wait_for("term_handler");
        terminal.wait_for_job();
    }
    terminal.press("\x03");
    terminal.wait_for("signal 2\r\n");
}

#[test]
fn a_stopped_job_continues_in_the_background() {
    let place = Place::new();
    let mut terminal = start(&place, "term_handler", "");
    terminal.press("\x1a");
    terminal.wait_for("Stopped");
    terminal.wait_for("$> ");
    terminal.line("bg; kill -TERM %1; wait %1; echo \"bg=$?.\"");
    terminal.wait_for("signal 15\r\n");
    terminal.wait_for("bg=25.");
}

#[test]
fn a_program_that_stops_itself_shows_as_stopped() {
    let place = Place::new();
    let mut terminal = start(&place, "stop_self", "20");
    terminal.wait_for("Stopped");
    terminal.wait_for("$> ");
    terminal.line("fg; echo \"fg=$?.\"");
    terminal.wait_for("fg=8.");
    let log = place.read("f");
    assert!(log.contains("--- stopped by SIGTSTP ---"), "{log}");
}

#[test]
fn the_terminal_reaches_the_program() {
    let place = Place::new();
    let utrace = place.utrace();
    let mut terminal = Terminal::new(&place.path("."));
    terminal.line(&format!(
        "{} run --log=f -- sh -c 'test -t 0 && echo rea\"\"dy && read x && echo \"got <$x>\"'",
        utrace.display()
    ));
    terminal.wait_for("ready\r\n");
    terminal.line("typed");
    terminal.wait_for("got <typed>");
}

#[test]
fn attach_on_a_terminal_detaches_at_control_c() {
    let place = Place::new();
    let mut target = place.other(place.fixture("spin"), [""; 0]).start();
    target.wait_ready();
    let utrace = place.utrace();
    let mut terminal = Terminal::new(&place.path("."));
    terminal.line(&format!("{} attach -p {} --log=f; echo \"status=$?.\"", utrace.display(), target.pid()));
    common::wait_until("it logs", || !place.read("f").is_empty());
    terminal.press("\x03");
    terminal.wait_for("status=0.");
    assert_eq!(common::status_field(target.pid(), "TracerPid"), "0");
    target.signal(rustix::process::Signal::TERM);
    assert_eq!(target.finish().code(), 1015);
}
