using TorchSharp;
var a = torch.ones(2, 2); var b = torch.ones(2,2);
Console.WriteLine((ReferenceEquals(a, a.add_(b)), ReferenceEquals(a, a.relu_()), ReferenceEquals(a, a.zero_()), ReferenceEquals(a, a.copy_(b)), ReferenceEquals(a, a.mul_(b)), ReferenceEquals(a, a.normal_()), ReferenceEquals(a, a.uniform_(0,1)), ReferenceEquals(a, a.add_(1))));
var n0 = torch.Tensor.TotalCount;
var p = new TorchSharp.Modules.Parameter(torch.ones(2)); (p*p).sum().backward(); Console.WriteLine(ReferenceEquals(p.grad, p.grad)); 
