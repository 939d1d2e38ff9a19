using TorchSharp;
Console.WriteLine(torch.get_num_threads());
try { Console.WriteLine("avail " + torch.cuda.is_available()); } catch (Exception e) { Console.WriteLine("EX " + e.GetType() + e.Message[..100]); }
var sw = System.Diagnostics.Stopwatch.StartNew(); Console.WriteLine("avail " + torch.cuda.is_available() + sw.ElapsedMilliseconds);
