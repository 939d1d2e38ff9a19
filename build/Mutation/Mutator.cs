using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace Mutation;

/// <summary>A change to one place of the source.</summary>
/// <param name="Tree">The file.</param>
/// <param name="Folder">The folder that it is counted for.</param>
/// <param name="Node">The place: an expression or a statement.</param>
/// <param name="Changed">What stands there instead; <see langword="null"/> for nothing.</param>
internal sealed record Mutant(SyntaxTree Tree, string Folder, SyntaxNode Node, ExpressionSyntax? Changed)
{
    public string Place(string project)
        => $"{Path.GetRelativePath(project, Tree.FilePath)}:{Tree.GetLineSpan(Node.Span).StartLinePosition.Line + 1}";

    public string Text => $"{Short(Node)} -> {(Changed is null ? "nothing" : Short(Changed))}";

    private static string Short(SyntaxNode node) => string.Join(' ',
        node.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>Finds places that can be changed, and puts the changes there behind a switch.</summary>
internal static class Mutator
{
    private const string Mark = "mutant";

    private static readonly Dictionary<SyntaxKind, SyntaxKind> Comparisons = new()
    {
        [SyntaxKind.LessThanExpression] = SyntaxKind.LessThanOrEqualExpression,
        [SyntaxKind.LessThanOrEqualExpression] = SyntaxKind.LessThanExpression,
        [SyntaxKind.GreaterThanExpression] = SyntaxKind.GreaterThanOrEqualExpression,
        [SyntaxKind.GreaterThanOrEqualExpression] = SyntaxKind.GreaterThanExpression,
        [SyntaxKind.EqualsExpression] = SyntaxKind.NotEqualsExpression,
        [SyntaxKind.NotEqualsExpression] = SyntaxKind.EqualsExpression,
        [SyntaxKind.LogicalAndExpression] = SyntaxKind.LogicalOrExpression,
        [SyntaxKind.LogicalOrExpression] = SyntaxKind.LogicalAndExpression,
    };

    private static readonly Dictionary<SyntaxKind, SyntaxKind> Arithmetic = new()
    {
        [SyntaxKind.AddExpression] = SyntaxKind.SubtractExpression,
        [SyntaxKind.SubtractExpression] = SyntaxKind.AddExpression,
        [SyntaxKind.MultiplyExpression] = SyntaxKind.DivideExpression,
        [SyntaxKind.DivideExpression] = SyntaxKind.MultiplyExpression,
        [SyntaxKind.ModuloExpression] = SyntaxKind.MultiplyExpression,
    };

    private static readonly Dictionary<SyntaxKind, SyntaxKind> Operators = new()
    {
        [SyntaxKind.LessThanExpression] = SyntaxKind.LessThanToken,
        [SyntaxKind.LessThanOrEqualExpression] = SyntaxKind.LessThanEqualsToken,
        [SyntaxKind.GreaterThanExpression] = SyntaxKind.GreaterThanToken,
        [SyntaxKind.GreaterThanOrEqualExpression] = SyntaxKind.GreaterThanEqualsToken,
        [SyntaxKind.EqualsExpression] = SyntaxKind.EqualsEqualsToken,
        [SyntaxKind.NotEqualsExpression] = SyntaxKind.ExclamationEqualsToken,
        [SyntaxKind.LogicalAndExpression] = SyntaxKind.AmpersandAmpersandToken,
        [SyntaxKind.LogicalOrExpression] = SyntaxKind.BarBarToken,
        [SyntaxKind.AddExpression] = SyntaxKind.PlusToken,
        [SyntaxKind.SubtractExpression] = SyntaxKind.MinusToken,
        [SyntaxKind.MultiplyExpression] = SyntaxKind.AsteriskToken,
        [SyntaxKind.DivideExpression] = SyntaxKind.SlashToken,
    };

    /// <summary>All changes to a file: operators, negations, conditions, and statements that are left out.</summary>
    public static IEnumerable<Mutant> Find(SyntaxTree tree, SemanticModel model, string folder)
    {
        foreach (var node in tree.GetRoot().DescendantNodes())
            if (Change(node, model) is { } change)
                yield return new(tree, folder, node, change.Changed);
    }

    /// <summary>Puts some changes into their file.</summary>
    public static SyntaxTree Insert(SyntaxTree tree, IReadOnlyDictionary<SyntaxNode, (int Number, Mutant Mutant)> mutants)
        => tree.WithRootAndOptions(new Rewriter(mutants).Visit(tree.GetRoot())!, tree.Options);

    /// <summary>The change that an error belongs to; those of the whole member, where it lies outside of them.</summary>
    public static IReadOnlyList<int> NumbersAt(Location location)
    {
        var node = location.SourceTree?.GetRoot().FindNode(location.SourceSpan);
        var around = Numbers(node?.AncestorsAndSelf()).Take(1).ToList();
        return around.Count > 0 ? around
            : [.. Numbers(node?.FirstAncestorOrSelf<MemberDeclarationSyntax>(member
                => member is BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax)?.DescendantNodes())];
    }

    private static IEnumerable<int> Numbers(IEnumerable<SyntaxNode>? nodes)
        => (nodes ?? []).SelectMany(node => node.GetAnnotations(Mark))
            .Select(mark => int.Parse(mark.Data!, System.Globalization.CultureInfo.InvariantCulture));

    private static (bool _, ExpressionSyntax? Changed)? Change(SyntaxNode node, SemanticModel model)
    {
        switch (node)
        {
            case ExpressionSyntax expression when Declares(expression) || model.GetConstantValue(expression).HasValue
                || !IsInBody(expression):
                return null;
            case BinaryExpressionSyntax binary when Comparisons.TryGetValue(binary.Kind(), out var other)
                || (Arithmetic.TryGetValue(binary.Kind(), out other) && IsNumber(model.GetTypeInfo(binary).Type)):
                return (true, BinaryExpression(other, binary.Left, Token(Operators[other]).WithTriviaFrom(binary.OperatorToken),
                    binary.Right));
            case PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.LogicalNotExpression } negation:
                return (true, negation.Operand);
            case ExpressionSyntax condition
                when condition.Parent is IfStatementSyntax or WhileStatementSyntax or ConditionalExpressionSyntax
                && condition == ConditionOf(condition.Parent) && condition is not (BinaryExpressionSyntax or PrefixUnaryExpressionSyntax):
                return (true, PrefixUnaryExpression(SyntaxKind.LogicalNotExpression, ParenthesizedExpression(condition)));
            case ExpressionStatementSyntax { Expression: not AwaitExpressionSyntax } statement when !Declares(statement):
                return (true, null);
            case ThrowStatementSyntax { Expression: not null } when GuardOf(node) is { Else: null } guard && !Declares(guard.Condition):
                return (true, null);
            default:
                return null;
        }
    }

    private static IfStatementSyntax? GuardOf(SyntaxNode statement)
        => (statement.Parent is BlockSyntax block ? block.Parent : statement.Parent) as IfStatementSyntax;

    private static ExpressionSyntax? ConditionOf(SyntaxNode parent) => parent switch
    {
        IfStatementSyntax branch => branch.Condition,
        WhileStatementSyntax loop => loop.Condition,
        ConditionalExpressionSyntax choice => choice.Condition,
        _ => null,
    };

    private static bool Declares(SyntaxNode node) => node.DescendantNodes()
        .Any(inner => inner is DeclarationExpressionSyntax or SingleVariableDesignationSyntax);

    // What is computed once, when a class is first used, cannot be switched.
    private static bool IsInBody(SyntaxNode node)
        => !node.Ancestors().Any(ancestor
            => ancestor is AttributeSyntax or FieldDeclarationSyntax or ParameterSyntax or EnumMemberDeclarationSyntax
            || (ancestor is EqualsValueClauseSyntax && ancestor.Parent is PropertyDeclarationSyntax)
            || (ancestor is ConstructorDeclarationSyntax constructor && constructor.Modifiers.Any(SyntaxKind.StaticKeyword)));

    private static bool IsNumber(ITypeSymbol? type) => type?.SpecialType is >= SpecialType.System_SByte and <= SpecialType.System_UIntPtr
        and not SpecialType.System_String;

    private sealed class Rewriter(IReadOnlyDictionary<SyntaxNode, (int Number, Mutant Mutant)> mutants) : CSharpSyntaxRewriter
    {
        public override SyntaxNode? Visit(SyntaxNode? node)
        {
            if (node is null || !mutants.TryGetValue(node, out var found))
                return base.Visit(node);
            var visited = base.Visit(node)!;
            var isActive = ParseExpression($"global::Mutation.Mutant.Is({found.Number})");
            SyntaxNode switched = found.Mutant.Changed is { } changed
                ? ParenthesizedExpression(ConditionalExpression(isActive, ParenthesizedExpression(changed.WithoutTrivia()),
                    ParenthesizedExpression(((ExpressionSyntax)visited).WithoutTrivia()))).WithTriviaFrom(node)
                : Block(IfStatement(PrefixUnaryExpression(SyntaxKind.LogicalNotExpression, isActive),
                    Block((StatementSyntax)visited.WithoutTrivia()))).WithTriviaFrom(node);
            return switched.NormalizeWhitespace().WithTriviaFrom(node)
                .WithAdditionalAnnotations(new SyntaxAnnotation(Mark,
                    found.Number.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }
    }
}
