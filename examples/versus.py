#!/usr/bin/env python3
"""Times a model compiled by mnv2c beside onnxruntime, interleaved, and prints the ratio of their best times.

    pip install numpy onnxruntime
    python examples/versus.py model.onnx [--target host] [--threads 1] [--rounds 8] [--runs 40] [--mnv2c PATH]

Without --mnv2c, the program is `mnv2c` on the path, or what `cargo run --release` builds in this repository.
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

TYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}


def main():
    args = arguments()
    pin(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "program")
        build = [args.model, "-o", program, "--target", args.target, "--threads", str(args.threads)]
        subprocess.run([*compiler(args.mnv2c), "build", *build], check=True)
        peer = session(args.model, args.threads)
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(time_program(program, args.runs, args.threads))
            theirs.append(min(time_call(peer) for _ in range(args.runs)))
    print(f"mnv2c        {min(ours):8.3f} ms")
    print(f"onnxruntime  {min(theirs):8.3f} ms")
    print(f"ratio        {min(ours) / min(theirs):8.3f}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--target", default="host")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--mnv2c")
    return parser.parse_args()


def pin(threads):
    """Keeps both to the same cores, where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, set(cores[-threads:]))


def compiler(path):
    if path or shutil.which("mnv2c"):
        return [path or "mnv2c"]
    manifest = Path(__file__).resolve().parent.parent / "Cargo.toml"
    return ["cargo", "run", "--quiet", "--release", "--manifest-path", str(manifest), "-p", "mnv2c", "--"]


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    made = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(7)
    feed = {}
    for port in made.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in port.shape]
        feed[port.name] = rng.uniform(0, 1, shape).astype(TYPES[port.type])
    for _ in range(5):
        made.run(None, feed)
    return lambda: made.run(None, feed)


def time_call(call):
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def time_program(program, runs, threads):
    command = [program, "--bench", str(runs), "--threads", str(threads)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(said.splitlines()[-1])["min_ms"]


if __name__ == "__main__":
    main()
