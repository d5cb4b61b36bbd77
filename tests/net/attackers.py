# SPDX-License-Identifier: MIT
"""Attackers who have read the code. What each sends is a family as tests/floods has them."""
import dataclasses
import itertools
import subprocess
from dataclasses import dataclass, field
from typing import Callable

import netns
import traffic
from lab import wait_until
from scene import Got

import attacks
import packets
import reflection
from innocents import A2S, GAME, VPN
from peers import SYSTEMS, syn_options

POOL = {4: packets.address("10.200.0.1"), 6: packets.address("fdc8::1")}
THIRD = packets.address("10.70.0.1")   # third parties: they exist, and may come themselves
EDGE = packets.address("10.71.0.9")    # of a CDN
RESOLVER, GATEWAY = "10.64.0.53", "10.9.0.1"
LONELY = packets.address("10.72.0.5")
ROUTED = packets.address("fd99::")


def nothing(_):
    return {}


@dataclass(frozen=True)
class Attack:
    """`named`: a pattern of what the alarm has to say; None: no alarm is asked for. `borne`: users are
    served as well where the host bears the flood, so it may pass if it is reported."""
    name: str
    families: tuple
    rate: int
    named: str | None
    borne: bool = False
    passes: float = 0.05
    alarm_ms: float = 1000
    beside: tuple = ()            # more floods: (families, rate)
    before: tuple = ()            # (family, packets, rate, rounds): what the attacker sends first
    prepare: Callable = nothing   # on the host, before Floodwall
    arm: Callable = nothing       # ... after it
    users: Callable = nothing     # besides the usual four, during the attack
    after: Callable = nothing     # ... and some time after its end
    calm_s: float = 10            # how long after
    seconds: float = 0            # of the attack, if not the usual
    lab: dict = field(default_factory=dict)
    family: int = 4
    top: str = ""                 # of the configuration, where the default does not fit the lab
    frames: dict = field(default_factory=dict)
    slow: bool = False            # the flooded service bears less than the flood
    image: bool = False           # the flood is an exact image of the service's users
    in_ci: bool = True            # short enough to be asked for each time ...
    holds: bool = True            # ... and true; the whole form shows by how much it is not


# ---------------------------------------------------------------- what is sent


def forged(target):
    return POOL[6 if packets.is_v6(target) else 4]


def step(target):
    return 1 << 64 if packets.is_v6(target) else 1


def pool_udp(sources, data, in_turn=False, port=None, size=None):
    """Questions in the names of so many addresses."""
    def family(target, rng):
        turn = itertools.cycle(range(sources))

        def make():
            src = forged(target) + (next(turn) if in_turn else rng.randrange(sources)) * step(target)
            return [packets.udp(src, target, port or rng.randint(1024, 65535), GAME, data, size)]
        return make
    return family


def pool_syn(first, sources):
    def family(target, rng):
        start = first or forged(target)

        def make():
            ttl, window, options = rng.choice(SYSTEMS)
            src = start + rng.randrange(sources) * step(target)
            return [packets.tcp(src, target, rng.randint(1024, 65535), traffic.WEB, rng.getrandbits(32), 0,
                                packets.SYN, window, syn_options(options, rng), ttl=ttl - 9)]
        return make
    return family


def dialogues(target, _):
    """Ever new addresses, each of which speaks six times."""
    numbers = itertools.count()

    def make():
        src = forged(target) + next(numbers) * step(target)
        return [packets.udp(src, target, 5555, GAME, b"\x07" * 40)] * 6
    return make


def in_the_name_of(name, port=None, size=500):
    def family(target, rng):
        return lambda: [packets.udp(packets.address(name), target, port or rng.randint(1024, 65535), GAME,
                                    rng.randbytes(24), size)]
    return family


def of_ttl(ttl):
    """Random payloads and sizes: only the TTL is always the same."""
    def family(target, rng):
        return lambda: [packets.udp(attacks.forged(target, rng), target, rng.randint(1024, 65535), GAME,
                                    rng.randbytes(20), rng.randint(20, 900), ttl)]
    return family


def image(target, rng):
    """What traffic/ask.cpp sends, from everywhere."""
    def make():
        number = bytes(rng.choices(b"abcdefghijklmnop", k=8))
        return [packets.udp(attacks.forged(target, rng), target, rng.randint(20_000, 20_250), GAME,
                            number + b"\x07" * 24)]
    return make


def one_payload(target, rng):
    return lambda: [packets.udp(attacks.forged(target, rng), target, 7777, GAME, b"\x07" * 64, ttl=57)]


def options_before_udp(target, rng):
    """Nine headers of destination options; from a source that is banned."""
    def make():
        body, size = packets.udp_body(LONELY_V6, target, rng.randint(1024, 65535), GAME, bytes(24))
        return [packets.chain(LONELY_V6, target, [packets.DESTINATION] * 9, packets.UDP, body, size)]
    return make


LONELY_V6 = packets.address("fd40:72::5")


def banned_udp(target, rng):
    return lambda: [packets.udp(LONELY, target, rng.randint(1024, 65535), GAME, bytes(24))]


def one_syn_source(target, rng):
    return lambda: [packets.tcp(LONELY, target, rng.randint(1024, 65535), traffic.WEB, rng.getrandbits(32),
                                0, packets.SYN, 64240, bytes.fromhex("020405b4"))]


def all_over_a_64(_, rng):
    return lambda: [packets.udp(attacks.forged(ROUTED, rng), ROUTED | rng.getrandbits(64),
                                rng.randint(1024, 65535), rng.randint(1, 65535), bytes(24))]


# ---------------------------------------------------------------- who must not suffer


def third_parties(scene):
    """They come themselves, and the host talks with one of them."""
    users = {f"third party {n}": scene.traffic.web(sources=1, rate=20, seconds=2,
                                                   **{"from": packets.text(THIRD + n)}) for n in (0, 1)}
    pinged = scene.lab.run("ping", "-n", "-q", "-c", 3, "-i", "0.2", "-W", 1, packets.text(THIRD + 2),
                           where="dut", check=False)
    answers = 3 - 3 * pinged.returncode if pinged.returncode in (0, 1) else 0
    return scene.run(users) | {"the host's pings": Got(3, answers)}


def edge(scene):
    return {"the edge": scene.web(sources=1, rate=50, **{"from": packets.text(EDGE)})}


def ttl_sharers(scene):
    return scene.run({"users with that TTL": scene.ask(port=GAME, rate=20, sources=200, ttl=50, seconds=3)})


def resolver(scene):
    scene.lab.resolv_conf(f"nameserver {RESOLVER}\n")
    # Only what the host asks: two services that send everything back would never be silent again.
    scene.service(where="peers", port=53, at=RESOLVER, begins="07")
    return {}


def own_questions(scene):
    return {"the host's questions": scene.ask_from_host(RESOLVER, port=53, rate=50, sources=1, at=8,
                                                       answer_at=8)}


def routed(scene):
    netns.ip_batch(scene.lab.dut_ns, ["route add local fd99::/64 dev lo"])
    return {}


def ban(name):
    def arm(scene):
        if scene.protected:
            scene.lab.cli("ban", packets.text(name))
        return {}
    return arm


def over_wireguard(scene):
    """The only uplink has packets without Ethernet headers: a tunnel of wireguard-go."""
    keys = [subprocess.run(["wg", "genkey"], text=True, check=True, capture_output=True).stdout.strip()
            for _ in range(2)]
    public = [subprocess.run(["wg", "pubkey"], input=key, text=True, check=True,
                             capture_output=True).stdout.strip() for key in keys]
    lab = scene.lab
    for n, (where, device, other, end) in enumerate((("dut", "wgd", GATEWAY, 2), ("peers", "wgp", "10.9.0.2", 1))):
        scene.program("wireguard-go", "-f", device, where=where)
        wait_until(lambda: lab.run("ip", "link", "show", device, where=where, check=False).returncode == 0, 10,
                   f"{device} is there")
        (lab.folder / f"{device}.key").write_text(keys[n])
        lab.run("wg", "set", device, "listen-port", VPN, "private-key", lab.folder / f"{device}.key", "peer",
                public[1 - n], "allowed-ips", "0.0.0.0/0", "endpoint", f"{other}:{VPN}", where=where)
        netns.ip_batch(lab.namespace(where), [f"address add 172.29.0.{end}/24 dev {device}",
                                              f"link set {device} up"])
    netns.ip_batch(lab.dut_ns, ["route replace default dev wgd"])
    netns.ip_batch(lab.peers_ns, ["route replace 172.29.0.2 dev wgp"])
    scene.link = scene.traffic.link = dataclasses.replace(scene.link, dut="172.29.0.2")
    return {}


TAGS = bytes.fromhex("020000000002" "020000000001") + bytes.fromhex("81000000") * 5 + b"\x08\x00"
GAME_QUESTION = bytes.fromhex(A2S)

ATTACKS = (
    Attack("30,000 UDP/s in the name of 100 addresses that had six answers", (pool_udp(100, bytes(300)),),
           30_000, r"udp_new to \S+ port 27015", borne=True,
           before=(pool_udp(100, bytes(40), in_turn=True, port=5555), 100, 400, 6), holds=False),
    Attack("20,000 SYN/s in the name of 1,000 such", (pool_syn(None, 1000),), 20_000, r"tcp_syn to \S+ port 80",
           before=(pool_udp(1000, bytes(40), in_turn=True, port=5555), 1000, 4000, 6), holds=False),
    Attack("dialogues of ever new addresses, 20,000 packets/s", (dialogues,), 20_000,
           r"udp_new to \S+ port 27015", borne=True, seconds=40, in_ci=False),
    Attack("1,200 SYN/s in the name of each of five third parties", (pool_syn(THIRD, 5),), 6000,
           r"tcp_syn to \S+ port 80|10\.70\.0\.", after=third_parties, calm_s=2, borne=True),
    Attack("1,500 SYN/s in the name of a CDN's edge", (pool_syn(EDGE, 1),), 1500,
           r"tcp_syn to \S+ port 80", users=edge, passes=1.0),
    Attack("20,000 A2S questions/s in 5,000 names", (pool_udp(5000, GAME_QUESTION),), 20_000,
           r"udp_new to \S+ port 27015", borne=True, holds=False),
    Attack("5,000 equal questions/s, and 250 pings/s beside", (one_payload,), 5000,
           r"udp_new to \S+ port 27015", borne=True, beside=((attacks.echo,), 250), holds=False),  # the name comes after 2 s
    Attack("20,000/s in the name of the resolver", (in_the_name_of(RESOLVER, 53),), 20_000, r"udp_",
           prepare=resolver, users=own_questions),
    Attack("20,000/s in the name of the gateway", (in_the_name_of(GATEWAY),), 20_000, r"udp_",
           prepare=resolver, users=own_questions, in_ci=False),
    Attack("20,000/s in the host's own name", (in_the_name_of("10.9.0.2"),), 20_000, r"", in_ci=False),
    Attack("five priority tags, from a banned source", (banned_udp,), 5000, None, passes=0,
           arm=ban(LONELY), frames={"ether": TAGS}),
    Attack("nine headers of options, from a banned source", (options_before_udp,), 5000, None, passes=0,
           arm=ban(LONELY_V6), family=6),
    Attack("all over a routed /64 for 0.4 s, then DNS reflection", (reflection.reflected("dns"),), 15_000,
           r"udp_reflected to fd09::2", prepare=routed, family=6,
           before=(all_over_a_64, 20_000, 50_000, 1)),
    Attack("NTP reflection of 42/s", (reflection.reflected("ntp"),), 42, r"udp_reflected to \S+", seconds=3,
           passes=1.0, alarm_ms=1500),  # 24 such packets may come at once, which takes it 0.6 s
    Attack("4,000/s with a TTL that users have", (of_ttl(50),), 4000, r"udp_new to \S+ port 27015", borne=True,
           after=ttl_sharers, holds=False),
    Attack("one source, 190 SYN/s, none completed", (one_syn_source,), 190, r"10\.72\.0\.5|tcp_syn", seconds=10,
           passes=1.0, in_ci=False),
    Attack("SYNs over an uplink without Ethernet headers (wireguard-go)", (attacks.syn_fixed,), 5000, r"tcp_syn",
           prepare=over_wireguard, top='interface = ["wgd"]\n', frames={"ether": b"", "interface": "wgp"}, in_ci=False),
)

HELD = {"named": r"udp_new to \S+ port 27015", "slow": True, "passes": 1.0}
# A service that really suffers: it bears 5,000 questions a second.
SUFFERING = (
    Attack("slow service, 20,000/s with one payload", (attacks.udp_fixed,), 20_000, **HELD),
    Attack("slow service, 20,000/s of random payloads and sizes", (attacks.udp_random,), 20_000, in_ci=False,
           **HELD),
    Attack("slow service, 20,000/s that look like its users", (image,), 20_000, image=True, **HELD),
    Attack("slow service, 20,000/s in 5,000 names", (pool_udp(5000, GAME_QUESTION),), 20_000, in_ci=False,
           **HELD),
    Attack("slow service, 20,000/s in the names of 100 who had six answers", (pool_udp(100, bytes(32)),), 20_000,
           before=(pool_udp(100, bytes(40), in_turn=True, port=5555), 100, 400, 6), in_ci=False, **HELD),
    Attack("100,000 SYN/s as of real systems", (attacks.syn_mimic,), 100_000, r"tcp_syn to \S+",
           in_ci=False),
)
# Every rate, against the same service.
LOOP = tuple(Attack(f"loop, {rate:,}/s that look like users", (image,), rate, image=True, calm_s=3, in_ci=False,
                    **(HELD | {"named": HELD["named"] if rate > 5000 else None}))
             for rate in (100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000))
