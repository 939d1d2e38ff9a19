#!/usr/bin/env bash
# Packs the command line as a .NET tool: build/pack-tool.sh FOLDER [VERSION [SYSTEM...]]. The package that users name refers to one for each
# system (linux-x64, win-x64, osx-arm64: with libtorch and ImageNet weights, trains at once) and to one for any other (scores alone).
# Who names systems gets their packages alone, for trying. Then: dotnet tool install --global Microsoft.ML.ResNet.Tool --add-source FOLDER
# ProjectUrl, ProjectBranch and LibraryPackageId may come from the environment (CONTRIBUTING.md).
set -euo pipefail
feed=$(realpath -m "${1:?a folder for the packages}")
samples=$(cd "$(dirname "$0")/.." && pwd)/src/Samples
version=${2:-$(dotnet msbuild "$samples" -getProperty:Version)}
systems=("${@:3}")
[ "${#systems[@]}" -gt 0 ] || systems=(linux-x64 win-x64 osx-arm64 any)

pack() { # pack PACKTOOL ARGUMENTS...: afresh, because a tool holds whatever lies in the folder of publish
    rm -rf "$samples/../../artifacts/publish/Tool"
    dotnet pack "$samples" -c Release -p:PackTool="$1" -p:PackageVersion="$version" -p:RunAnalyzers=false -o "$feed" --nologo -v quiet "${@:2}"
}
for system in "${systems[@]}"; do
    if [ "$system" = any ]; then pack any; else pack "$system" -r "$system"; fi
done
pack all -p:CreateRidSpecificToolPackages=false -p:TorchBackend=none
