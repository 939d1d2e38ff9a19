#!/usr/bin/env bash
# Packs the library and uses it as a stranger would: a console application outside the repository that references the package from a
# local folder, and TorchSharp-cpu, and nothing else. It trains, saves, and loads in a second process, which must print the same. Without
# TorchSharp-cpu it must be told what to add, on standard error, and find nothing copied beside it; with .NET 8 it must not restore.
# The package may have another name: LibraryPackageId=Some.Name build/package-check.sh
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
version=0.0.0-check
trap 'rm -rf "$work"' EXIT

library="$root/src/Microsoft.ML.ResNet"
package=$(dotnet msbuild "$library" -getProperty:PackageId)
dotnet pack "$library" -c Release -p:PackageVersion=$version -o "$work/feed" --nologo -v quiet
if unzip -l "$work/feed/$package.$version.nupkg" | grep 'Microsoft.ML.Core.dll'; then
    echo "The package contains an assembly of ML.NET, which is not ours to ship."
    exit 1
fi
cp -r "$root"/build/package-check/* "$work"
cache=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
unpacked=${cache:?}/$(tr '[:upper:]' '[:lower:]' <<< "$package")/$version
rm -rf "$unpacked"

cd "$work"
export PackageFeed="$work/feed" CheckedPackage=$package CheckedVersion=$version
dotnet build Stranger.csproj --nologo -v quiet -o app
trained=$(dotnet app/Stranger.dll train)
loaded=$(dotnet app/Stranger.dll load)
echo "trained: $trained"
echo "loaded:  $loaded"
[ "$trained" = "$loaded" ] || { echo "The loaded model scores otherwise than the trained one."; exit 1; }

dotnet build Stranger.csproj --nologo -v quiet -o bare -p:WithoutBackend=true
find bare | sort > before
if dotnet bare/Stranger.dll train > out 2> err; then echo "It trained without libtorch."; exit 1; fi
grep -q 'Add one backend to the application: the package TorchSharp-cpu' err || { echo "It is not told which package to add:"; cat err; exit 1; }
[ ! -s out ] || { echo "It printed to standard output:"; cat out; exit 1; }
find bare | sort | diff before - || { echo "Files were copied beside the application."; exit 1; }
echo "without a backend: $(grep -m 1 'Add one backend' err)"

if dotnet restore older/Older.csproj --nologo -v quiet > older.log 2>&1; then echo "An application of .NET 8 restores the package."; exit 1; fi
grep -q NU1202 older.log || { echo "An application of .NET 8 is not told that the package does not fit:"; cat older.log; exit 1; }
echo ".NET 8: $(grep -m 1 -o 'NU1202.*' older.log | cut -c 1-140)"
rm -rf "$unpacked"
echo "package check passed"
