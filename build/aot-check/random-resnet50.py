"""Writes the weights of a ResNet-50 that knows nothing, as safetensors: what build/aot-check.sh measures the first prediction with.
usage: random-resnet50.py FILE
Values come from one block of 4 MiB of random numbers, which is longer than what deflating looks back, so that they shrink as trained ones do."""
import array, json, random, struct, sys

state = []


def tensor(name, *shape, scale=None, value=None):
    state.append((name, shape, scale, value))


def convolution(name, out, into, kernel):
    tensor(name + ".weight", out, into, kernel, kernel, scale=(2 / (into * kernel * kernel)) ** 0.5)


def normalization(name, channels):
    for part, value in ("weight", 0.5), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0):
        tensor(f"{name}.{part}", channels, value=value)


convolution("conv1", 64, 3, 7)
normalization("bn1", 64)
into = 64
for stage, (width, blocks) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], 1):
    for block in range(blocks):
        name = f"layer{stage}.{block}."
        for part, (a, b, kernel) in enumerate([(into, width, 1), (width, width, 3), (width, 4 * width, 1)], 1):
            convolution(f"{name}conv{part}", b, a, kernel)
            normalization(f"{name}bn{part}", b)
        if block == 0:
            convolution(f"{name}downsample.0", 4 * width, into, 1)
            normalization(f"{name}downsample.1", 4 * width)
        into = 4 * width
tensor("fc.weight", 1000, into, scale=0.01)
tensor("fc.bias", 1000, value=0.0)

random.seed(1)
noise = [random.gauss(0, 1) for _ in range(1 << 20)]
header, start = {}, 0
for name, shape, _, _ in state:
    count = 1
    for size in shape:
        count *= size
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, start + 4 * count]}
    start += 4 * count
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    place = 0
    for name, shape, scale, value in state:
        first, end = header[name]["data_offsets"]
        left = (end - first) // 4
        while left:
            part = noise[place:place + left]
            array.array("f", [scale * x for x in part] if scale else [value] * len(part)).tofile(file)
            left -= len(part)
            place = (place + len(part)) % len(noise)
