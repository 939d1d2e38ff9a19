using PuppeteerSharp;

namespace Microsoft.ML.ResNet.Tests.Browser;

/// <summary>The Chromium of the machine, without a window. Tests that need it skip without it.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private const int StartTimeout = 120_000; // milliseconds; the machine may be busy
    private const int Attempts = 4; // a Chromium that was started among other tests now and then answers nothing at all

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _program;
    private IBrowser _browser;
    private bool _isNew = true;

    private Chromium(string program, IBrowser browser)
    {
        _program = program;
        _browser = browser;
    }

    /// <summary>Starts it; the running test is reported as skipped where there is none.</summary>
    public static async Task<Chromium> StartAsync()
    {
        var program = Find();
        return new(program, await LaunchAsync(program));
    }

    /// <summary>Opens a page.</summary>
    /// <param name="address">Its address; of a file, its path.</param>
    /// <param name="dark">Whether the reader likes it dark.</param>
    public async Task<OpenPage> OpenAsync(string address, bool dark = false)
    {
        var page = await NewPageAsync();
        page.DefaultTimeout = 120_000;
        await page.SetViewportAsync(new ViewPortOptions { Width = 1200, Height = 900 });
        await page.EmulateMediaFeaturesAsync(
            [new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = dark ? "dark" : "light" }]);
        var open = new OpenPage(page);
        await page.GoToAsync(new Uri(address).AbsoluteUri);
        return open;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _browser.DisposeAsync();

    private static Task<IBrowser> LaunchAsync(string program) => Puppeteer.LaunchAsync(new LaunchOptions
    {
        ExecutablePath = program,
        Headless = true,
        Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
            "--disable-features=OptimizationGuideModelDownloading,OnDeviceModel,Translate,MediaRouter"],
        Timeout = StartTimeout,
    });

    // The page that it opens by itself, and then others.
    private async Task<IPage> NewPageAsync()
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                var page = _isNew ? (await _browser.PagesAsync().WaitAsync(Patience)).FirstOrDefault() : null;
                _isNew = false;
                return page ?? await _browser.NewPageAsync().WaitAsync(Patience);
            }
            catch (Exception error) when (error is TimeoutException or PuppeteerException && attempt < Attempts)
            {
                _browser.Process?.Kill(entireProcessTree: true); // closing it would wait for an answer, too
                _browser = await LaunchAsync(_program);
                _isNew = true;
            }
    }

    private static string Find()
    {
        string?[] places =
        [
            Environment.GetEnvironmentVariable("CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", @"C:\Program Files\Google\Chrome\Application\chrome.exe",
        ];
        return places.FirstOrDefault(File.Exists) ?? throw new AssertInconclusiveException(
            "There is no Chromium; this test needs one. Install Debian's package chromium, or name a browser by the variable CHROMIUM.");
    }
}

/// <summary>A page in the browser, and what it has asked for and complained of since it was opened.</summary>
internal sealed class OpenPage
{
    private readonly List<string> _requests = [], _complaints = [];

    /// <param name="page">A page that has not gone anywhere yet.</param>
    public OpenPage(IPage page)
    {
        Page = page;
        page.Request += (_, request) => Add(_requests, request.Request.Url);
        page.PageError += (_, error) => Add(_complaints, error.Message);
        page.Console += (_, message) =>
        {
            if (message.Message.Type is ConsoleType.Error or ConsoleType.Warning)
                Add(_complaints, message.Message.Text);
        };
    }

    /// <summary>The page.</summary>
    public IPage Page { get; }

    /// <summary>What it has asked for, but for what it carries itself.</summary>
    public string[] Requests => Copy(_requests, url => !url.StartsWith("data:", StringComparison.Ordinal));

    /// <summary>Errors and warnings in its console.</summary>
    public string[] Complaints => Copy(_complaints, _ => true);

    /// <summary>Asks the page for something.</summary>
    /// <param name="expression">JavaScript.</param>
    public Task<T> Ask<T>(string expression) => Page.EvaluateExpressionAsync<T>(expression);

    private static void Add(List<string> list, string text)
    {
        lock (list)
            list.Add(text);
    }

    private static string[] Copy(List<string> list, Func<string, bool> isWanted)
    {
        lock (list)
            return [.. list.Where(isWanted)];
    }
}
