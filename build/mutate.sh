#!/usr/bin/env bash
# Mutation testing: how many small changes to the library some test notices. One compilation holds all mutants, asleep; a process wakes one
# after the other and runs the tests that reach it. Goes on where it stopped; a fresh start is an empty artifacts/mutation.
# [LIBRARY=Microsoft.ML.ResNet] build/mutate.sh [SEED [COUNT]]: COUNT mutants of each group of folders, drawn by the seed; by default all, of
# Microsoft.ML.ResNet.Scoring.
set -uo pipefail
cd "$(dirname "$0")/.."
seed=${1:-1} count=${2:-1000000}
library=${LIBRARY:-Microsoft.ML.ResNet.Scoring}
case $library in
    *.Scoring) groups="Cpu/Kernels=$count Tensors=$count Images/Folders=$count Images/Cifar=$count Persistence=$count";;
    *) groups="Interop/PyTorch=$count";;
esac
folder=artifacts/mutation/$library bin=artifacts/mutation/$library/bin tests=artifacts/bin/Microsoft.ML.ResNet.Tests/release
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_DbgEnableMiniDump=0
mkdir -p "$folder"
mutation=artifacts/bin/Mutation/release/mutation.dll

if [ ! -e "$folder/mutants.tsv" ]; then
    dotnet build test/Microsoft.ML.ResNet.Tests -c Release -v q && dotnet build build/Mutation -c Release -v q || exit 1
    dotnet msbuild src/$library -p:Configuration=Release -t:Compile -p:ProvideCommandLineArgs=true \
        -p:SkipCompilerExecution=true -p:NonExistentFile=none/none -getItem:CscCommandLineArgs > "$folder/arguments.json" || exit 1
    rm -rf "$bin" && cp -a "$tests" "$bin" && rm "$bin/$library.dll"
    dotnet "$mutation" emit "$folder/arguments.json" "$PWD/src/$library" "$bin/$library.dll" "$folder/mutants.tsv" "$seed" \
        $groups || exit 1
fi

for lives in $(seq 0 2000); do
    nice -n 19 dotnet exec --depsfile "$bin/Microsoft.ML.ResNet.Tests.deps.json" --runtimeconfig "$bin/Microsoft.ML.ResNet.Tests.runtimeconfig.json" \
        "$mutation" run "$bin/Microsoft.ML.ResNet.Tests.dll" "$bin/$library.dll" "$folder/mutants.tsv" "$folder/results.tsv" \
        Microsoft.ML.ResNet.Tests.Cpu. Microsoft.ML.ResNet.Tests.Tensors. Microsoft.ML.ResNet.Tests.Interop.PyTorch. \
        Microsoft.ML.ResNet.Tests.Interop.ResNetWeightsTests. Microsoft.ML.ResNet.Tests.Images. Microsoft.ML.ResNet.Tests.Persistence. \
        Microsoft.ML.ResNet.Tests.Training.TrainingStateTests. Microsoft.ML.ResNet.Tests.Conformance.FuzzingTests. && break
done
dotnet "$mutation" report "$folder/mutants.tsv" "$folder/results.tsv"
