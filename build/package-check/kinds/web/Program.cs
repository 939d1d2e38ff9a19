var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/train", Tiny.Train);
app.Run();
