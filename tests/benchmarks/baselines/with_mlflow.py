"""Saves one model with MLflow, signature and input example included.

python with_mlflow.py FOLDER_OF_MODEL_PY OUTPUT
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, sys.argv[1])

import keras
import mlflow.keras
import numpy as np
from mlflow.models import infer_signature

from model import make_model

keras.utils.set_random_seed(123)
model = make_model()
inputs = np.random.default_rng(0).normal(size=(2, *model.inputs[0].shape[1:])).astype("float32")
signature = infer_signature(inputs, np.asarray(model(inputs, training=False)))
os.mkdir(sys.argv[2])  # it forgets to
mlflow.keras.save_model(model, sys.argv[2], signature=signature, input_example=inputs)
