//! A folder in which the command is run; after every run its output is searched for the folder's secrets.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The passphrase of every wallet here.
pub const PASSPHRASE: &str = "correct horse battery";
/// Short names of the founders.
pub const FOUNDERS: [&str; 4] = ["ministry", "library", "agency", "audit"];

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The standard output of a run that went well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Checks a run that did not, and that its error says all of `words`.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        let all = format!("{}{}", self.out, self.err);
        for word in words {
            assert!(all.contains(word), "`{word}` is missing in: {all}");
        }
        assert!(!all.contains("panicked"), "{all}");
    }
}

/// A folder of its own.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write("passphrase", &format!("{PASSPHRASE}\n"));
        place.mode("passphrase", 0o600);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The command, to be run in the folder, without terminal or settings of the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keis"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let ran = Ran {
            code: status.code().expect("no signal ended it"),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        };
        self.assert_discreet(&ran);
        ran
    }

    /// No secret of the folder is in the output.
    fn assert_discreet(&self, ran: &Ran) {
        let mut secrets = vec![PASSPHRASE.to_owned()];
        collect_secrets(self.folder.path(), &mut secrets);
        for secret in secrets {
            assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "a secret was printed");
        }
    }

    /// Makes a key and tells its public half.
    pub fn key(&self, name: &str) -> String {
        public_key(&self.run(&["key", "new", "--out", &format!("{name}.key")]).ok())
    }

    /// Makes keys of four institutions and two officers, and founds a network of them as `genesis.json`.
    pub fn found(&self, clock: &str) {
        let mut text = format!("name = \"A network\"\nclock = {clock}\n");
        for name in FOUNDERS {
            let (consensus, network) = (self.key(&format!("{name}-consensus")), self.key(&format!("{name}-network")));
            let votes = [1, 2].map(|number| self.key(&format!("{name}-governance-{number}")));
            text += &format!(
                "[[institutions]]\nname = \"{name}\"\nconsensus_key = \"{consensus}\"\nnetwork_key = \"{network}\"\n\
                governance_keys = {votes:?}\n"
            );
        }
        for (institution, office) in [("library", "operator"), ("ministry", "budget_holder")] {
            let key = self.key(office);
            text += &format!("[[officers]]\ninstitution = \"{institution}\"\noffice = \"{office}\"\nkey = \"{key}\"\n");
        }
        self.write("founders.toml", &text);
        self.run(&["genesis", "new", "--from", "founders.toml", "--out", "genesis.json"]).ok();
    }

    /// Makes the folder of a founder's node, with the peers given.
    pub fn init(&self, name: &str, addresses: &[SocketAddr; 3], peers: &[String]) -> Ran {
        let listen = addresses.map(|address| address.to_string());
        let (consensus, network) = (format!("{name}-consensus.key"), format!("{name}-network.key"));
        let mut arguments = vec!["node", "init", "--home", name, "--genesis", "genesis.json"];
        arguments.extend(["--consensus-key", &consensus, "--network-key", &network]);
        arguments.extend([
            "--listen-consensus",
            &listen[0],
            "--listen-gossip",
            &listen[1],
            "--listen-gateway",
            &listen[2],
        ]);
        for peer in peers {
            arguments.extend(["--peer", peer]);
        }
        self.run(&arguments)
    }
}

/// Everything in key files, sealed ones apart.
fn collect_secrets(folder: &Path, secrets: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_secrets(&path, secrets);
        } else if path.extension().is_some_and(|extension| extension == "key") {
            secrets.push(fs::read_to_string(&path).unwrap().trim().to_owned());
        }
    }
}

/// The public key in what `key new` prints.
pub fn public_key(out: &str) -> String {
    out.split_whitespace().find(|word| word.starts_with("key_")).expect("a public key is printed").to_owned()
}

/// Free addresses of the loopback, below those that outgoing connections take, three for each of `count` nodes. All are drawn before one is given back.
pub fn addresses(count: usize) -> Vec<[SocketAddr; 3]> {
    let draw = || 10_000 + u16::from_le_bytes(keis_wallet::random::random_bytes()) % 22_000;
    let free = |_| (0..1_000).find_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, draw())).ok()).unwrap();
    let listeners: Vec<_> = (0..3 * count).map(free).collect();
    let addresses: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    addresses.chunks_exact(3).map(|three| three.try_into().unwrap()).collect()
}
