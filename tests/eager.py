"""Training steps without tracing, which costs seconds: for checks of up to three steps."""


def fit(model, batches, strategy=None):
    """What `model.fit(batches)` does to a model, one step after the other, on a strategy's replicas if one is given.

    Args:
        model: a GenerativeModel, made in the strategy's scope.
        batches: tf.data.Dataset of dicts, each the global batch.
        strategy: tf.distribute.Strategy of several replicas.

    Returns:
        The logs of the last step, {name: scalar}.
    """
    logs = {}
    for batch in batches if strategy is None else strategy.experimental_distribute_dataset(batches):
        logs = model.train_step(batch) if strategy is None else strategy.run(model.train_step, (batch,))
    return {name: value if strategy is None else value.values[0] for name, value in logs.items()}
