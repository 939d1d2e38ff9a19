#!/usr/bin/env bash
# Packs the library and uses it as a stranger would: a console application outside the repository that references the package from a
# local folder, and TorchSharp-cpu, and nothing else. It trains, saves, and loads in a second process, which must print the same.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
version=0.0.0-check
trap 'rm -rf "$work"' EXIT

dotnet pack "$root/src/Microsoft.ML.ResNet" -c Release -p:PackageVersion=$version -o "$work/feed" --nologo -v quiet
if unzip -l "$work/feed/Microsoft.ML.ResNet.$version.nupkg" | grep 'Microsoft.ML.Core.dll'; then
    echo "The package contains an assembly of ML.NET, which is not ours to ship."
    exit 1
fi
cp "$root"/build/package-check/* "$work"
cache=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
rm -rf "${cache:?}/microsoft.ml.resnet/$version"

cd "$work"
export PackageFeed="$work/feed" CheckedVersion=$version
dotnet build Stranger.csproj --nologo -v quiet -o app
trained=$(dotnet app/Stranger.dll train)
loaded=$(dotnet app/Stranger.dll load)
echo "trained: $trained"
echo "loaded:  $loaded"
rm -rf "${cache:?}/microsoft.ml.resnet/$version"
[ "$trained" = "$loaded" ] || { echo "The loaded model scores otherwise than the trained one."; exit 1; }
echo "package check passed"
