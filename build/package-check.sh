#!/usr/bin/env bash
# Packs the library and uses it as a stranger would: a console application outside the repository that references the package from a
# local folder, and TorchSharp-cpu, and nothing else. It trains, saves, and loads in a second process, which must print the same. Without
# TorchSharp-cpu it must be told what to add, on standard error, and find nothing copied beside it; with .NET 8 it must not restore.
# The packages' icon, readme, addresses, symbols and documentation are looked at; F#, Visual Basic, the file-based samples (docs/files) and
# every kind of project that trains are tried. `dotnet new resnet-api` must make a service of the trained model that runs without libtorch,
# answers, and takes a new model up. The command line is installed as a tool, and trains, predicts and serves; without libtorch, it predicts.
# The package may have another name: LibraryPackageId=Some.Name build/package-check.sh
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
version=0.0.0-check.$$ # of this run: others may check at the same time
. "$root/build/service.sh"
unpacked=()
runfiles=${XDG_DATA_HOME:-$HOME/.local/share}/dotnet/runfile # where dotnet builds files that run by themselves
finish() {
    [ -z "$service" ] || kill "$service" 2> /dev/null || true
    find "$runfiles" -mindepth 1 -maxdepth 1 -newer "$work/began" -exec rm -rf {} + 2> /dev/null || true
    rm -rf "$work" "${unpacked[@]}"
}
trap finish EXIT
touch "$work/began"

library="$root/src/Microsoft.ML.ResNet"
package=$(dotnet msbuild "$library" -getProperty:PackageId)
repository=https://github.com/example/resnet # nobody asks it
for packed in "$library.Scoring" "$library" "$library.AspNetCore" "$library.Reports" "$root/build/templates"; do
    dotnet pack "$packed" -c Release -p:PackageVersion=$version -p:ProjectUrl=$repository -o "$work/feed" --nologo -v quiet
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

# check_package ID FILES...: what every package carries, and files that this one does.
check_package() {
    local id=$1 file
    local nupkg="$work/feed/$id.$version.nupkg"
    for file in icon.png README.md CHANGELOG.md "${@:2}"; do
        grep -q " $file\$" <<< "$(unzip -l "$nupkg")" || { echo "$id has no $file."; exit 1; }
    done
    for file in '<icon>icon.png<' '<readme>README.md<' "<projectUrl>$repository<" '<license type="expression">MIT<' "<repository type=\"git\" url=\"$repository\"" \
        '<releaseNotes>'; do
        grep -q "$file" <<< "$(unzip -p "$nupkg" '*.nuspec')" || { echo "$id says nothing like $file"; exit 1; }
    done
    unzip -p "$nupkg" README.md | grep -o ']([^)]*)' | tr -d '()]' > "$work/links"
    while read -r link; do
        case $link in
            "$repository"/blob/main/*) file=${link#"$repository"/blob/main/} ;;
            https://raw.githubusercontent.com/example/resnet/main/*) file=${link#https://raw.githubusercontent.com/example/resnet/main/} ;;
            https://*) continue ;;
            *) echo "$id has a readme with a link that leads nowhere: $link"; exit 1 ;;
        esac
        [ -e "$root/${file%%#*}" ] || { echo "$id has a readme that links to $file, which is no file of the repository."; exit 1; }
    done < "$work/links"
}

# check_documentation ID PROJECT: IntelliSense hears of public members alone, which PublicAPI.*.txt lists, and debuggers find sources.
check_documentation() {
    local nupkg="$work/feed/$1.$version.nupkg"
    unzip -p "$nupkg" '*.xml' | grep -o '<member name="[^"]*"' \
        | sed -E 's/.*"[A-Z]://; s/".*//; s/\(.*//; s/`+[0-9]+//g; s/(\.([A-Za-z0-9_]+))\.#ctor$/\1.\2/' | sort -u > "$work/documented"
    sed -E 's/^((static|override|sealed|abstract|virtual|const|readonly) )*//; s/\.this\[.*/.Item/; s/ (->|=).*//; s/\(.*//; s/<.*>//; s/\.(get|set|init)$//' \
        "$root/src/$2"/PublicAPI.*.txt | sort -u > "$work/public"
    [ "$(wc -l < "$work/documented")" -gt 10 ] || { echo "$1 is not documented."; exit 1; }
    if comm -23 "$work/documented" "$work/public" | grep .; then echo "$1 documents members that nobody can see."; exit 1; fi
    grep -q '\.pdb$' <<< "$(unzip -l "${nupkg%.nupkg}.snupkg")" || { echo "$1 has no symbols."; exit 1; }
}
check_package "$package" lib/net10.0/Microsoft.ML.ResNet.xml "buildTransitive/net10.0/$package.targets"
check_package "$package.Scoring" lib/net10.0/Microsoft.ML.ResNet.Scoring.xml
check_package "$package.Reports" lib/net10.0/Microsoft.ML.ResNet.Reports.xml
check_package "$package.AspNetCore" lib/net10.0/Microsoft.ML.ResNet.AspNetCore.xml
check_package "$package.Templates" content/resnet-api/ResNetApi.csproj
check_documentation "$package" Microsoft.ML.ResNet
check_documentation "$package.Scoring" Microsoft.ML.ResNet.Scoring
check_documentation "$package.Reports" Microsoft.ML.ResNet.Reports
check_documentation "$package.AspNetCore" Microsoft.ML.ResNet.AspNetCore
echo "packages: icon, readme with $(wc -l < "$work/links") links, addresses, release notes, symbols, documentation"

cp -r "$root"/build/package-check/* "$work"
cache=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
lower=${cache:?}/$(tr '[:upper:]' '[:lower:]' <<< "$package")
unpacked=("$lower/$version" "$lower.scoring/$version" "$lower.aspnetcore/$version")
rm -rf "${unpacked[@]}" # of a check that was killed

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
start_service "$work/api.log" dotnet bin/Debug/net10.0/api.dll --urls http://127.0.0.1:0
cd "$work"
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
stop_service

# check_language FOLDER LANGUAGE: docs/fsharp-and-vb.md, compiled and run.
check_language() {
    local said
    dotnet build "$work/$1" --nologo -v quiet -o "$work/$1/app" > "$work/$1.log" || { echo "$2 does not build:"; cat "$work/$1.log"; exit 1; }
    said=$(dotnet "$work/$1/app/Check.dll")
    [[ "$said" == *': dark' ]] || { echo "$2 says: $said"; exit 1; }
    echo "$2: $said"
}

# check_files: docs/files, copied and run as a stranger would, from a folder with nothing else.
check_files() {
    local said
    mkdir "$work/files"
    for file in "$root"/docs/files/*.cs; do
        sed "s/Microsoft.ML.ResNet\(.AspNetCore\)\?@[0-9.]*/$package\1@$version/" "$file" > "$work/files/$(basename "$file")"
    done
    cd "$work/files"
    export RestoreAdditionalProjectSources="$work/feed"
    dotnet run train.cs -- "$work/pictures" photos.zip
    said=$(dotnet run score.cs -- photos.zip "$work/pictures/light/3.png")
    grep -q '3.png: light ' <<< "$said" || { echo "score.cs says: $said"; exit 1; }
    echo 'no picture' > broken.png
    if dotnet run score.cs -- photos.zip broken.png 2> err; then echo "score.cs is content with what is no picture."; exit 1; fi
    grep -q 'broken.png: expected' err || { echo "score.cs does not say why:"; cat err; exit 1; }
    dotnet build serve.cs -o served --nologo -v quiet
    unset RestoreAdditionalProjectSources
    start_service "$work/files/serve.log" dotnet served/serve.dll --Model photos.zip --urls http://127.0.0.1:0
    said=$(ask --data-binary "@$work/pictures/dark/5.png" "$address/predict")
    grep -q '^\[{"index":0,"name":"dark",' <<< "$said" || { echo "serve.cs answers: $said"; exit 1; }
    [ "$(ask --data-binary 'no picture' -o /dev/null -w '%{http_code}' "$address/predict")" = 422 ] || { echo "serve.cs takes anything."; exit 1; }
    stop_service
    echo "docs/files: trained, scored, served: $said"
    cd "$work"
}

# check_kind KIND FOLDER COMMAND...: TorchSharp's library is mended beside the application, a byte of it (docs/adr/0002), which trains.
check_kind() {
    local library said
    library=$(find "$2" -name libLibTorchSharp.so | head -n 1)
    [ "$(cmp -l "$library" "$cache/torchsharp/0.107.0/runtimes/linux-x64/native/libLibTorchSharp.so" | wc -l)" = 1 ] \
        || { echo "$1: TorchSharp's library is not mended."; exit 1; }
    said=$("${@:3}") || { echo "$1 does not train: $said"; exit 1; }
    echo "$1: $(tail -n 1 <<< "$said")"
    rm -rf "$2"
}

# check_kinds: what else than a console application there is.
check_kinds() {
    local link=(-p:CreateHardLinksForCopyLocalIfPossible=true -p:CreateHardLinksForPublishFilesIfPossible=true) # half a gigabyte each
    dotnet build kinds/web -o kinds/service --nologo -v quiet "${link[@]}"
    start_service kinds/service.log dotnet kinds/service/Web.dll --urls http://127.0.0.1:0
    check_kind web kinds/service ask --fail --max-time 300 "$address/train"
    stop_service
    dotnet build kinds/tests -o kinds/tested --nologo -v quiet "${link[@]}"
    check_kind tests kinds/tested dotnet vstest kinds/tested/Tests.dll
    dotnet publish Stranger.csproj -r linux-x64 --self-contained -o contained --nologo -v quiet "${link[@]}"
    check_kind self-contained contained contained/Stranger train
    dotnet publish Stranger.csproj -r linux-x64 --no-self-contained -p:PublishSingleFile=true -o single --nologo -v quiet "${link[@]}"
    check_kind 'single file' single single/Stranger train
}

# check_tool: the command line, installed and used by somebody with an empty home and an empty folder.
check_tool() {
    local tool=$work/Tool/resnet any=$work/any/resnet picture=$work/pictures/light/3.png said
    mkdir "$work/home" "$work/desk"
    cd "$work/desk"
    ProjectUrl=$repository "$root/build/pack-tool.sh" "$work/feed" "$version" linux-x64 any
    check_package "$package.Tool"
    check_package "$package.Tool.linux-x64" tools/net10.0/linux-x64/{resnet.dll,libtorch_cpu.so,DnnImageModels/ResNet18Onnx/ResNet18.onnx}
    check_package "$package.Tool.any" tools/net10.0/any/{resnet.dll,runtimes/linux-arm64/native/libSkiaSharp.so}
    [ "$(stat -c %s "$work/feed/$package.Tool.linux-x64.$version.nupkg")" -lt 250000000 ] || { echo "The tool is more than nuget.org takes."; exit 1; }
    for id in Tool Tool.any; do
        HOME=$work/home dotnet tool install "$package.$id" --version "$version" --source "$work/feed" --tool-path "$work/${id#*.}"
    done
    [[ "$("$tool" --version)" == "$version"* ]] || { echo "The tool says that it is of version $("$tool" --version)."; exit 1; }
    "$tool" train "$work/pictures" --stage head --run tried
    said=$("$tool" predict runs/tried/model.zip "$picture" --format csv)
    grep -q '3.png,light,' <<< "$said" || { echo "The tool predicts $said"; exit 1; }
    [ "$said" = "$("$any" predict runs/tried/model.zip "$picture" --format csv)" ] || { echo "Without libtorch the tool predicts otherwise."; exit 1; }
    if "$any" train "$work/pictures" > out 2> err; then echo "The tool trains without libtorch."; exit 1; fi
    [[ "$(cat out err)" == *'On x64 Linux'*'resnet brings it'* ]] && [ "$(cat out err | wc -l)" = 1 ] || { echo "It says:"; cat out err; exit 1; }
    start_service serve.log "$tool" serve runs/tried/model.zip --port 0
    said=$(ask --data-binary "@$work/pictures/dark/5.png" "$address/predict")
    grep -q '"class":"dark"' <<< "$said" || { echo "The tool serves $said"; exit 1; }
    stop_service
    echo "tool: trained, predicted, served: $said"
    cd "$work"
}
dotnet app/Stranger.dll draw pictures
check_language fsharp 'F#'
check_language vb 'Visual Basic'
check_files
check_kinds
check_tool
echo "package check passed"
