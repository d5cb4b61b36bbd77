#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `floodwall replay` over the shared captures.

usage: run.py score|odd|seed|detection FLOODWALL
  score  every capture is replayed without an error, and no packet of ordinary use is dropped
  odd    damaged and strange files: read or refused, no crash and no hang
  detection  floods are stopped and bystanders spared as docs/detection.md says (tools/detection-table)
  seed   profile seed gives the verdicts of its reference program, packet by packet
One job each, for ctest runs them beside other tests. Exit status 77: there are no captures here
(1 in CI, which must not skip)."""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def captures():
    named = os.environ.get('FLOODWALL_CAPTURES')
    folder = pathlib.Path(named) if named else ROOT.parent / 'shared' / 'captures'
    if (folder / 'INDEX.tsv').exists():
        return folder
    print(f'skipped: no captures in {folder}; name their folder with FLOODWALL_CAPTURES')
    strict = os.environ.get('CI') == 'true' or os.environ.get('FLOODWALL_NO_SKIP') == '1'
    sys.exit(1 if strict else 77)


def score(folder, floodwall):
    with tempfile.TemporaryDirectory() as temp:
        result = pathlib.Path(temp) / 'score.json'
        subprocess.run([folder / 'score', '--floodwall', floodwall, '--jobs', '1', '--json', result],
                       check=True)
        found = json.loads(result.read_text())['captures']
    benign = [capture for capture in found if capture['group'].startswith('benign')]
    assert benign, 'no benign capture was run'
    hurt = {c['name']: c['reasons'] for c in benign if c['legit_dropped'] or c['other_dropped']}
    assert not hurt, f'ordinary packets were dropped: {hurt}'


def odd(folder, floodwall):
    subprocess.run([folder / 'score', '--odd', '--floodwall', floodwall, '--jobs', '1'], check=True)


def detection(_, floodwall):
    subprocess.run([ROOT / 'tools' / 'detection-table', '--floodwall', floodwall, '--gate', '--only', 'captures',
                    '--print'], check=True)


def verdicts(command, path, host, out):
    """pass or drop of each packet, as `command` decides."""
    subprocess.run([*command, 'replay', path, '--protect', host, '--verdicts', out], check=True,
                   stdout=subprocess.DEVNULL)
    lines = [line for line in out.read_text().splitlines() if not line.startswith('#')]
    return [line.split('\t')[:2] for line in lines]


def seed(folder, floodwall):
    with open(folder / 'INDEX.tsv', newline='') as f:
        rows = [row for row in csv.DictReader(f, delimiter='\t') if row['category'] != 'odd']
    assert rows, 'no capture was run'
    dropped = 0
    with tempfile.TemporaryDirectory() as temp:
        out = pathlib.Path(temp) / 'verdicts.tsv'
        wrapper = pathlib.Path(temp) / 'floodwall-seed'
        wrapper.write_text(f'#!/bin/sh\nexec {floodwall} "$@" --profile seed\n')
        wrapper.chmod(0o755)
        for row in rows:
            path, host = folder / row['file'], row['victim_or_host']
            wanted = verdicts([folder / 'baselines' / 'seed'], path, host, out)
            ours = verdicts([wrapper], path, host, out)
            assert len(ours) == len(wanted), f"{row['file']}: {len(ours)} for {len(wanted)} packets"
            for mine, theirs in zip(ours, wanted):
                assert mine == theirs, f"{row['file']}: {mine}, the reference says {theirs}"
            dropped += sum(verdict == 'drop' for _, verdict in wanted)
    assert dropped, 'the reference dropped nothing: nothing was compared'
    print(f'{len(rows)} captures, {dropped} packets dropped by both')


if __name__ == '__main__':
    {'score': score, 'odd': odd, 'seed': seed, 'detection': detection}[sys.argv[1]](captures(), sys.argv[2])
