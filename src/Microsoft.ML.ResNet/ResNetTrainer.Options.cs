using System.Globalization;
using Microsoft.ML.CommandLine;
using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet;

/// <content>The options.</content>
public sealed partial class ResNetTrainer
{
    /// <summary>
    /// Options for <see cref="ResNetTrainer"/>. The column names are inherited; the trainer takes a copy, so that later changes to this
    /// object change nothing.
    /// </summary>
    public sealed partial class Options : TrainerInputBaseWithWeight
    {
        private static readonly ResNetArchitecture DefaultArchitecture = ResNetArchitecture.Cifar(20);

        /// <summary>
        /// The network. The default is <c>ResNetArchitecture.Cifar(20)</c>: 272,474 parameters with three channels and ten classes.
        /// </summary>
        public ResNetArchitecture Architecture = DefaultArchitecture;

        /// <summary>
        /// How it is trained: epochs, batch size, rate and all else are the recipe's alone. Change them by <c>with</c>, as in
        /// <c>TrainingRecipe.Fast with { NumberOfEpochs = 5 }</c>. The default is <see cref="TrainingRecipe.Tutorial"/>.
        /// </summary>
        public TrainingRecipe Recipe = TrainingRecipe.Tutorial;

        /// <summary>
        /// Rows to choose the best epoch by; they must have the columns of the training rows. The default, <see langword="null"/>, keeps
        /// the last epoch's weights, unless <see cref="ValidationSetFraction"/> is set. A set given to <c>Fit</c> wins.
        /// </summary>
        public IDataView? ValidationSet;

        /// <summary>
        /// The part of the training rows to hold out and choose the best epoch by, in (0, 1), such as 0.1. Each class gives its part, at
        /// least one row if it has two and never all; the seed decides which. The default, <see langword="null"/>, holds nothing out. It
        /// excludes
        /// <see cref="ValidationSet"/>, and a set given to <c>Fit</c> wins.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "The part of the training rows to hold out and choose the best epoch by.",
            ShortName = "holdout", SortOrder = 31)]
        public double? ValidationSetFraction;

        /// <summary>Where to train. The default takes CUDA where there is a device and a CUDA backend, and otherwise the CPU.</summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Where to train.", ShortName = "dev", SortOrder = 8)]
        public ComputeDevice Device = ComputeDevice.Auto;

        /// <summary>
        /// Which ways to the same results, but for rounding, the training and its model take. Read when <c>Fit</c> begins. The default,
        /// <see langword="null"/>, takes <see cref="ResNetRuntimeOptions.Numerics"/>, the process's.
        /// </summary>
        public ResNetNumerics? Numerics;

        /// <summary>
        /// Decides weights, order and augmentation. The default, <see langword="null"/>, takes the seed of <see cref="MLContext"/>, without
        /// that the seed of the checkpoint to resume, and else a random one.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Decides weights, order and augmentation; unset takes the environment's seed.",
            ShortName = "seed", SortOrder = 9)]
        public int? Seed;

        /// <summary>
        /// Rows of an image in pixels, above 0; pictures of another size are resized. The default, <see langword="null"/>, is what the
        /// column tells; for pictures of any size that of <see cref="InitialModel"/>, and without one that of the first picture.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Rows of an image in pixels, where the column does not tell.", ShortName = "height",
            SortOrder = 10)]
        public int? ImageHeight;

        /// <summary>
        /// Columns of an image in pixels, above 0; pictures of another size are resized. The default is found as that of
        /// <see cref="ImageHeight"/>.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Columns of an image in pixels, where the column does not tell.", ShortName = "width",
            SortOrder = 11)]
        public int? ImageWidth;

        /// <summary>Colour planes of an image, where the column does not tell; 1 to 4. The default is <see langword="null"/>.</summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Colour planes of an image, where the column does not tell.", ShortName = "channels",
            SortOrder = 12)]
        public int? ImageChannels;

        /// <summary>
        /// How pictures of another size become images of <see cref="ImageHeight"/> x <see cref="ImageWidth"/>: encoded files,
        /// <c>MLImage</c>, and vectors of pixels whose dimensions tell another size. The model remembers it. The default,
        /// <see langword="null"/>, is that of <c>LoadFromImageFolder</c> where the images come from there, else that of
        /// <see cref="InitialModel"/>, and else <see cref="Microsoft.ML.ResNet.ImageGeometry.Fill"/>.
        /// </summary>
        public ImageGeometry? ImageGeometry;

        /// <summary>Where the channels of a pixel lie in a vector. The default reads it off the vector's dimensions.</summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Where the channels of a pixel lie in a vector.", ShortName = "layout",
            SortOrder = 13)]
        public PixelLayout PixelLayout = PixelLayout.Auto;

        /// <summary>Which channel comes first in a vector. The default is red.</summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Which channel comes first in a vector.", ShortName = "order", SortOrder = 14)]
        public ChannelOrder ChannelOrder = ChannelOrder.Rgb;

        /// <summary>
        /// The values of black and full pixels in vectors of <see cref="float"/>, which the model remembers for scoring. The default,
        /// <see langword="null"/>, recognises 0 to 255, 0 to 1 and -1 to 1 by the first rows, and refuses others.
        /// </summary>
        public PixelRange? PixelRange;

        /// <summary>
        /// The name of the column of probabilities. The default is <c>Score</c>. <c>CrossValidate</c> knows no other name.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "The name of the column of probabilities.", ShortName = "score", SortOrder = 15)]
        public string ScoreColumnName = Microsoft.ML.Data.AnnotationUtils.Const.ScoreValueKind.Score;

        /// <summary>
        /// The name of the column of the predicted class. The default is <c>PredictedLabel</c>. <c>CrossValidate</c> knows no other name.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "The name of the column of the predicted class.", ShortName = "pred", SortOrder = 16)]
        public string PredictedLabelColumnName = Microsoft.ML.Data.DefaultColumnNames.PredictedLabel;

        /// <summary>
        /// The name of a column of text that the model adds: why an image has no scores, such as <c>expected an image, found ...</c>, and
        /// no text where it has some. The model remembers it. The default, <see langword="null"/>, adds none; a warning of the log then
        /// counts such images and tells the first reasons.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "The name of a column that says why an image has no scores.", ShortName = "problem",
            SortOrder = 33)]
        public string? ProblemColumnName;

        /// <summary>
        /// Receives a report after every epoch, on the thread that called <c>Fit</c>. The default is <see langword="null"/>.
        /// </summary>
        public Action<EpochReport>? MetricsCallback;

        /// <summary>
        /// Where to keep the state of training after every epoch, so that it survives the process: a folder of its own for each training,
        /// and so not for
        /// <c>CrossValidate</c>, which trains several. The
        /// default, <see langword="null"/>, keeps none. See <see cref="Resume"/>.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "A folder that keeps the state of training after every epoch.",
            ShortName = "checkpoints", SortOrder = 17)]
        public string? CheckpointDirectory;

        /// <summary>
        /// Time after which the state is also kept within an epoch; above zero. The default, <see langword="null"/>, keeps it after epochs
        /// only.
        /// </summary>
        public TimeSpan? CheckpointInterval;

        /// <summary>
        /// Whether to go on from the newest checkpoint in <see cref="CheckpointDirectory"/>, if there is one. On the CPU of the same
        /// machine, with as many threads and the same <see cref="Numerics"/>, the weights are in the end those of a training
        /// that never stopped, bit for bit. The default is <see langword="false"/>: checkpoints that are there already are then an error,
        /// so that none is lost. Data, architecture and recipe, the number of epochs included, must be those of the checkpoint.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "Whether to go on from the newest checkpoint.", ShortName = "resume", SortOrder = 18)]
        public bool Resume;

        /// <summary>
        /// Memory for the pixels of all images, in MiB; 0 or more. Images that need more are kept in a temporary file instead, decoded, a
        /// byte a value, and read from there, ahead of the training: the same images in the same order, so that the weights are the same,
        /// bit for bit. The default,
        /// <see langword="null"/>, is half of what the process may use (<see cref="GCMemoryInfo.TotalAvailableMemoryBytes"/>), by the limit
        /// of its container or the memory of the machine. While the images are read, up to 128 MiB more are needed.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce,
            HelpText = "Memory for the pixels of all images in MiB; images that need more are kept in a temporary file.",
            ShortName = "memory", SortOrder = 19)]
        public int? ImageMemoryBudgetMiB;

        /// <summary>
        /// The folder of that temporary file, which is gone after <c>Fit</c> however it ends. The default, <see langword="null"/>, is the
        /// system's temporary folder, or <c>/var/tmp</c> where that one lies in memory.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "The folder of the temporary file of images that exceed the memory budget.",
            ShortName = "spill", SortOrder = 20)]
        public string? ImageSpillDirectory;

        /// <summary>
        /// The model whose weights training starts from: the <see cref="ResNetTransformer.Model"/> of what <c>Fit</c> or
        /// <c>LoadResNetWeights</c> gave, or of the network in what <c>LoadResNet</c> gave. The default, <see langword="null"/>, draws
        /// them. Its architecture is taken, so leave <see cref="Architecture"/> unset, and its normalisation. The head is kept if the
        /// classes are the model's in the model's order, and is drawn anew otherwise; so is the first convolution for images of other
        /// channels, whose normalisation is then measured. Images may have any size. Whether the new model looks at mirror images too is
        /// the recipe's to say (<see cref="TrainingRecipe.TestTimeFlip"/>), not the initial model's.
        /// <see cref="ResNetTransformer.InitialWeights"/> tells what was kept.
        /// </summary>
        public ResNetModelParameters? InitialModel;

        /// <summary>
        /// What of <see cref="InitialModel"/> training leaves as it is: 0 the stem, k the stem and the first k stages, up to all. Frozen
        /// weights get no gradients, which saves time, the more the more stages are frozen, and frozen batch normalisations use and keep
        /// their running statistics. The default,
        /// <see langword="null"/>, trains everything.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce,
            HelpText = "Stages of the initial model that stay as they are, besides the stem; unset trains everything.",
            ShortName = "freeze", SortOrder = 23)]
        public int? FrozenStages;

        /// <summary>
        /// Stops <c>Fit</c> before the next batch, as <c>MLContext.CancelExecution</c> does; <see cref="CancellationBehavior"/> says how.
        /// The default never does.
        /// </summary>
        public CancellationToken CancellationToken;

        /// <summary>
        /// A CSV file to which every epoch adds its line, under the names of <see cref="EpochReport"/>'s members: times in seconds, nothing
        /// where nothing was validated. It is written anew after every epoch, those of before a resume included; a file that exists is
        /// replaced, so that after <c>CrossValidate</c> it holds the last fold only. The default, <see langword="null"/>, writes none.
        /// A failure is a warning. The model has the same figures:
        /// <see cref="ResNetTransformer.TrainingHistory"/>.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "A CSV file to which every epoch adds its line.", ShortName = "history",
            SortOrder = 21)]
        public string? HistoryFile;

        /// <summary>
        /// A folder for TensorBoard, one for each training, to which every epoch adds <c>loss/train</c>, <c>accuracy/train</c>,
        /// <c>loss/validation</c>,
        /// <c>accuracy/validation</c>, <c>learning_rate</c> and <c>images_per_second</c>; a resumed training goes on in a file beside the
        /// first. The default,
        /// <see langword="null"/>, writes nothing. A failure is a warning.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "A folder for TensorBoard to which every epoch adds its figures.",
            ShortName = "tensorboard", SortOrder = 22)]
        public string? TensorBoardDirectory;

        /// <summary>
        /// Receives a report after a step, at most ten times a second, and always after the last step of an epoch, on the thread that
        /// called <c>Fit</c>; training waits for it, and what it throws stops <c>Fit</c>. The default is <see langword="null"/>.
        /// </summary>
        public IProgress<TrainingProgress>? Progress;

        /// <summary>
        /// What a cancelled <c>Fit</c> leaves: an <see cref="OperationCanceledException"/>, which is the default, or the best model so far.
        /// Before an epoch has ended there is none, and it is the exception either way.
        /// </summary>
        [Argument(ArgumentType.AtMostOnce, HelpText = "What a cancelled training leaves.", ShortName = "oncancel", SortOrder = 32)]
        public CancellationBehavior CancellationBehavior = CancellationBehavior.Throw;

        /// <summary>
        /// Processes that train one model together: each reads and keeps a part of the images and computes a part of every batch, and all
        /// end with the weights of one process: bit for bit where the CPU's kernels train, and to rounding where libtorch's autograd does
        /// (CUDA, <see cref="TrainingPrecision.BFloat16"/>, networks that the kernels do not compute). Rank 0 alone logs, calls back and
        /// writes files. All must call <c>Fit</c> with the same options and data; what differs ends them with a message. The default,
        /// <see langword="null"/>, is one process; <see cref="Microsoft.ML.ResNet.ProcessGroup.FromLauncher"/> gives those that
        /// <c>mpirun</c> has started. It stays the caller's. Not for <c>CrossValidate</c> over several threads.
        /// </summary>
        public ProcessGroup? ProcessGroup;

        /// <summary>A copy.</summary>
        internal Options Snapshot() => (Options)MemberwiseClone();

        /// <summary>The columns to train from.</summary>
        internal TrainingColumns TrainingColumns => new(FeatureColumnName, LabelColumnName, ExampleWeightColumnName,
            new ImageColumnOptions(ImageHeight, ImageWidth, ImageChannels, PixelLayout, ChannelOrder, PixelRange));

        /// <summary>Lists everything that is wrong; empty when nothing is.</summary>
        internal IEnumerable<string> Problems()
        {
            foreach (var problem in Recipe?.Problems() ?? ["Recipe is null; TrainingRecipe.Tutorial is the default."])
                yield return problem;
            foreach (var problem in ImageGeometry?.Problems() ?? [])
                yield return problem;
            foreach (var problem in Architecture?.Problems() ?? ["Architecture is null; ResNetArchitecture.Cifar(20) is the default."])
                yield return problem;
            foreach (var problem in Architecture is null ? [] : ModelLimits.Problems(Architecture))
                yield return problem;
            foreach (var (name, value) in new[] { (nameof(FeatureColumnName), FeatureColumnName),
                (nameof(LabelColumnName), LabelColumnName), (nameof(ScoreColumnName), ScoreColumnName),
                (nameof(PredictedLabelColumnName), PredictedLabelColumnName) })
                if (string.IsNullOrWhiteSpace(value))
                    yield return $"{name} is empty; it must name a column.";
            if (ValidationSetFraction is { } fraction && !(fraction is > 0 and < 1))
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"ValidationSetFraction is {fraction}; it must lie between 0 and 1, or be unset.");
            if (ValidationSetFraction is not null && ValidationSet is not null)
                yield return "ValidationSetFraction and ValidationSet are both set; choose one.";
            if (!Enum.IsDefined(CancellationBehavior))
                yield return $"CancellationBehavior is {CancellationBehavior}; it must be "
                    + $"{string.Join(" or ", Enum.GetNames<CancellationBehavior>())}.";
            if (CheckpointInterval <= TimeSpan.Zero)
                yield return $"CheckpointInterval is {CheckpointInterval}; it must be above zero, or unset.";
            if (CheckpointDirectory is not null
                && (string.IsNullOrWhiteSpace(CheckpointDirectory) || CheckpointDirectory.IndexOfAny(Path.GetInvalidPathChars()) >= 0))
                yield return "CheckpointDirectory is empty or has characters that no path may have; it must name a folder, or be unset.";
            foreach (var (name, path) in new[] { (nameof(HistoryFile), HistoryFile), (nameof(TensorBoardDirectory), TensorBoardDirectory) })
                if (path is not null && (string.IsNullOrWhiteSpace(path) || path.IndexOfAny(Path.GetInvalidPathChars()) >= 0))
                    yield return $"{name} is empty or has characters that no path may have; it must be a path, or unset.";
            if (Resume && CheckpointDirectory is null)
                yield return "Resume is set, but CheckpointDirectory is not; it must name the folder of the checkpoints.";
            if (ImageMemoryBudgetMiB < 0)
                yield return $"ImageMemoryBudgetMiB is {ImageMemoryBudgetMiB}; it must be at least 0 (MiB), or unset.";
            if (ImageSpillDirectory is not null
                && (string.IsNullOrWhiteSpace(ImageSpillDirectory) || ImageSpillDirectory.IndexOfAny(Path.GetInvalidPathChars()) >= 0))
                yield return "ImageSpillDirectory is empty or has characters that no path may have; it must name a folder, or be unset.";
            foreach (var problem in TransferProblems())
                yield return problem;
            if (ScoreColumnName == PredictedLabelColumnName)
                yield return $"ScoreColumnName and PredictedLabelColumnName are both '{ScoreColumnName}'; they must differ.";
            if (ProblemColumnName is not null && string.IsNullOrWhiteSpace(ProblemColumnName))
                yield return "ProblemColumnName is empty; it must name a column, or be unset.";
            else if (ProblemColumnName is { } reasons && (reasons == ScoreColumnName || reasons == PredictedLabelColumnName))
                yield return $"ProblemColumnName is '{ProblemColumnName}', as is another column that the model adds; they must differ.";
            foreach (var (name, value, most) in new[] { (nameof(ImageHeight), ImageHeight, 16_384),
                (nameof(ImageWidth), ImageWidth, 16_384), (nameof(ImageChannels), ImageChannels, 4) })
                if (value < 1 || value > most)
                    yield return $"{name} is {value}; it must be from 1 to {most}, or unset.";
        }

        private IEnumerable<string> TransferProblems()
        {
            if (InitialModel is not null && Architecture is not null && Architecture != InitialModel.Architecture
                && Architecture != DefaultArchitecture)
                yield return $"Architecture is {Architecture.Name}, that of InitialModel {InitialModel.Architecture.Name}; they must be "
                    + "equal, or Architecture unset.";
            if (FrozenStages is not null && InitialModel is null)
                yield return $"FrozenStages is {FrozenStages}, but InitialModel is unset; weights that were never trained are not worth "
                    + "keeping.";
            else if (FrozenStages < 0 || FrozenStages > InitialModel?.Architecture.Stages.Count)
                yield return $"FrozenStages is {FrozenStages}; it must be from 0 (the stem) to {InitialModel?.Architecture.Stages.Count} "
                    + $"(all stages of {InitialModel?.Architecture.Name}), or unset.";
        }
    }
}
