#!/usr/bin/env bash
# Packs the library and uses it as a stranger would: a console application outside the repository that references the package from a
# local folder, and TorchSharp-cpu, and nothing else. It trains, saves, and loads in a second process, which must print the same. Without
# TorchSharp-cpu it must be told what to add, on standard error, and find nothing copied beside it; with .NET 8 it must not restore.
# `dotnet new resnet-api` must make a service of the trained model that runs without libtorch, answers, and takes a new model up.
# The package may have another name: LibraryPackageId=Some.Name build/package-check.sh
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
version=0.0.0-check
service=
trap '[ -z "$service" ] || kill "$service"; rm -rf "$work"' EXIT

library="$root/src/Microsoft.ML.ResNet"
package=$(dotnet msbuild "$library" -getProperty:PackageId)
for packed in "$library.Scoring" "$library" "$library.AspNetCore" "$root/build/templates"; do
    dotnet pack "$packed" -c Release -p:PackageVersion=$version -o "$work/feed" --nologo -v quiet
done
unzip -p "$work/feed/$package.$version.nupkg" "$package.nuspec" | grep -q "id=\"$package.Scoring\" version=\"\[$version\]\"" \
    || { echo "The package does not ask for $package.Scoring of exactly its own version, whose internals it uses."; exit 1; }
if unzip -p "$work/feed/$package.Scoring.$version.nupkg" "$package.Scoring.nuspec" | grep -E 'id="(Microsoft.ML(.ImageAnalytics)?|TorchSharp)"'; then
    echo "The package that scores asks for ML.NET or TorchSharp."
    exit 1
fi
if unzip -l "$work/feed/$package.$version.nupkg" | grep 'Microsoft.ML.Core.dll'; then
    echo "The package contains an assembly of ML.NET, which is not ours to ship."
    exit 1
fi
cp -r "$root"/build/package-check/* "$work"
cache=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
lower=${cache:?}/$(tr '[:upper:]' '[:lower:]' <<< "$package")
unpacked=("$lower/$version" "$lower.scoring/$version" "$lower.aspnetcore/$version")
rm -rf "${unpacked[@]}"

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

dotnet new install "$work/feed/$package.Templates.$version.nupkg" --debug:custom-hive "$work/hive" > /dev/null
dotnet new resnet-api -o "$work/api" --model "$work/model.zip" --debug:custom-hive "$work/hive" > /dev/null
dotnet build "$work/api" --nologo -v quiet -p:RestoreAdditionalProjectSources="$work/feed" > "$work/api-build.log" \
    || { echo "The service of the template does not build:"; cat "$work/api-build.log"; exit 1; }
if find "$work/api/bin" -name 'libtorch*' | grep .; then echo "The service brings libtorch."; exit 1; fi
cd "$work/api"
dotnet bin/Debug/net10.0/api.dll --urls http://127.0.0.1:0 > "$work/api.log" 2>&1 &
service=$!
cd "$work"
address=
for _ in $(seq 300); do
    address=$(sed -n 's/.*Now listening on: //p' "$work/api.log" 2> /dev/null || true)
    [ -z "$address" ] || break
    kill -0 "$service" 2> /dev/null || break
    sleep 0.2
done
[ -n "$address" ] || { echo "The service does not start:"; cat "$work/api.log"; exit 1; }
ask() { curl --silent --show-error --max-time 30 "$@"; }
picture=$root/docs/images/show.png
[ "$(ask "$address/healthz")" = Healthy ] || { echo "The service is not healthy."; exit 1; }
answer=$(ask -F "file=@$picture" "$address/predict?top=2")
[ "$answer" = "$(ask --data-binary "@$picture" "$address/predict?top=2")" ] \
    || { echo "A body has another answer than a form, which has: $answer"; exit 1; }
grep -q '"name":"\(red\|green\|blue\)","probability":0' <<< "$answer" || { echo "No class: $answer"; exit 1; }
broken=$(ask -o /dev/null -w '%{http_code}' --data-binary 'no picture' "$address/predict")
[ "$broken" = 422 ] || { echo "What is no picture is answered with $broken."; exit 1; }
echo "resnet-api: $answer"
kill "$service"
wait "$service" || true
service=
rm -rf "${unpacked[@]}"
echo "package check passed"
